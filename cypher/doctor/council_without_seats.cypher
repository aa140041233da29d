// Somebody sits on every council.
// parameters: none
// returns: ids (council), one row a violation
MATCH (c:Council)
WHERE NOT EXISTS { (:Agent)-[:SITS_ON]->(c) }
RETURN [c.id] AS ids
