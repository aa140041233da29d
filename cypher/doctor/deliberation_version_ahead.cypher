// A deliberation was accepted at a version that its council has had.
// parameters: none
// returns: ids (deliberation, council), one row a violation
MATCH (d:Deliberation)<-[:HELD]-(c:Council)
WHERE d.councilVersion > c.version
RETURN [d.id, c.id] AS ids
