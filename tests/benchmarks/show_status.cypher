// Show where a deliberation stands.
// $id
// returns: status
MATCH (d:Deliberation {id: $id})
RETURN d.status AS status
