// Read tasks.
// $ids: of the tasks
// Columns: id, properties: [name, value] of each, instants as text
UNWIND $ids AS id
MATCH (n:Task {id: id})
RETURN n.id AS id, [key IN keys(n) | [key, n[key]]] AS properties
