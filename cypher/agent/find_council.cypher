// Find the council that an agent sits on, before it is locked.
// $agent: its id
// returns: council (an id; null where it sits on none); no row where there is no such agent
MATCH (a:Agent {id: $agent})
OPTIONAL MATCH (a)-[:SITS_ON]->(c:Council)
RETURN c.id AS council
