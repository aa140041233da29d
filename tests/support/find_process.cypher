// Find the process that entered last.
// Column: id
MATCH (p:Process)
RETURN p.id AS id
ORDER BY p.startedAt DESC
LIMIT 1
