// A revision answers critiques of what it revises, each once.
// parameters: none
// returns: ids (revision, critique), one row a violation
MATCH (t:Turn)-[:ANSWERS]->(k)
WITH t, k, count(*) AS times
WHERE times > 1 OR NOT EXISTS { (k)-[:CRITIQUES]->(:Proposal)<-[:REVISES]-(t) }
RETURN [t.id, k.id] AS ids
