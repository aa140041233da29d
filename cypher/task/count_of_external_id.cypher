// Count tasks that the caller calls by one name, along their index.
// $externalId
// Column: total
MATCH (task:Task)
USING INDEX SEEK task:Task(externalId, id)
// Every column of the index by name, or it would not be used, and all tasks be read.
WHERE task.externalId = $externalId AND task.id IS NOT NULL
RETURN count(*) AS total
