// An agent sits on one council.
// parameters: none
// returns: ids (agent, councils), one row a violation
MATCH (a:Agent)-[:SITS_ON]->(c:Council)
WITH a, collect(c.id) AS councils
WHERE size(councils) > 1
RETURN [a.id] + councils AS ids
