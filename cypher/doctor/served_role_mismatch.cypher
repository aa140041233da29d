// A council's servesRole is the name of its role.
// parameters: none
// returns: ids (council, role), one row a violation
MATCH (c:Council)-[:SERVES]->(r:Role)
WHERE c.servesRole <> r.name
RETURN [c.id, r.id] AS ids
