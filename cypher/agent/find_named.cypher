// Find which names agents have already.
// $names
// returns: name, id
MATCH (a:Agent)
WHERE a.name IN $names
RETURN a.name AS name, a.id AS id
