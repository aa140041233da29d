// Count the marks.
// Column: count
MATCH (m:Mark)
RETURN count(*) AS count
