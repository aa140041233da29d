// List the roles with the councils that serve them.
// parameters: none
// returns: role, a positional list; one row a role
MATCH (r:Role)
OPTIONAL MATCH (c:Council {servesRole: r.name})
RETURN [r.id, r.name, r.description, c.id] AS role
ORDER BY r.id
