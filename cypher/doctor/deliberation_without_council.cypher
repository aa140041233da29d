// A deliberation was held by exactly one council.
// parameters: none
// returns: ids (deliberation), one row a violation
MATCH (d:Deliberation)
WHERE COUNT { (:Council)-[:HELD]->(d) } <> 1
RETURN [d.id] AS ids
