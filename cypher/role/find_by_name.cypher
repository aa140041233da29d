// Find a role by its name.
// $name
// returns: role, a positional list; one row a role
MATCH (r:Role {name: $name})
OPTIONAL MATCH (c:Council {servesRole: r.name})
RETURN [r.id, r.name, r.description, c.id] AS role
