// Find which processes are there.
// $ids: of processes
// Column: id
UNWIND $ids AS id
MATCH (p:Process {id: id})
RETURN p.id AS id
