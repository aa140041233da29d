// Find which names endpoints have.
// $names
// returns: name, id
MATCH (e:Endpoint)
WHERE e.name IN $names
RETURN e.name AS name, e.id AS id
