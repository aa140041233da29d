// Count tasks that the caller calls by one name, along their index.
// $externalId
// Column: total
MATCH (task:Task {externalId: $externalId})
RETURN count(*) AS total
