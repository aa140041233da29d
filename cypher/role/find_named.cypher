// Find the id of the role with a name.
// $name
// returns: id
MATCH (r:Role {name: $name})
RETURN r.id AS id
