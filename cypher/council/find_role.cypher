// Find the name of the role that a council serves or served, which never changes.
// $id: of the council
// returns: role; no row where there is no such council
MATCH (c:Council {id: $id})-[:SERVES]->(r:Role)
USING INDEX SEEK c:Council(id)
RETURN r.name AS role
