// Read processes as list_processes does.
// $ids: of the processes
// Columns: id, properties
UNWIND $ids AS id
MATCH (n:Process {id: id})
RETURN n.id AS id, [key IN keys(n) | [key, CASE WHEN n[key] IS :: ZONED DATETIME NOT NULL THEN toString(n[key]) ELSE n[key] END]] AS properties
