// The label Final is on what a verdict ranks and on nothing else.
// parameters: none
// returns: ids (turn), one row a violation
MATCH (t:Turn)
WHERE t:Final <> EXISTS { (:Verdict)-[:RANKED]->(t) }
RETURN [t.id] AS ids
