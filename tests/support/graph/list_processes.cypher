// List the processes.
// Column: id
MATCH (p:Process)
RETURN p.id AS id
ORDER BY id
