// Lock a role: who makes or restores a council, or names an agent, for it does so alone.
// $name
// returns: id, agentsNamed, councilsNamed, council (the id of the one that serves it, or null); no row where there is no such role
MATCH (r:Role {name: $name})
// The write lock, with a constant; everything after it is read under it.
SET r.lock = true
WITH r
OPTIONAL MATCH (c:Council {servesRole: r.name})
RETURN r.id AS id, r.agentsNamed AS agentsNamed, r.councilsNamed AS councilsNamed, c.id AS council
