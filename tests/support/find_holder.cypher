// Find who holds a deliberation.
// $id
// Columns: status; holder: a process, or null where it is given back
MATCH (d:Deliberation {id: $id})
RETURN d.status AS status, d.holder AS holder
