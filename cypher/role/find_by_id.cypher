// Find roles.
// $ids: of the roles
// returns: role, a positional list; one row a role
MATCH (r:Role)
WHERE r.id IN $ids
OPTIONAL MATCH (c:Council {servesRole: r.name})
RETURN [r.id, r.name, r.description, c.id] AS role
