// A retired agent has no seat.
// parameters: none
// returns: ids (agent, council), one row a violation
MATCH (a:Agent {retired: true})-[:SITS_ON]->(c:Council)
RETURN [a.id, c.id] AS ids
