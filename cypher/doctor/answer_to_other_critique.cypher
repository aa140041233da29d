// A revision answers critiques of what it revises.
// parameters: none
// returns: ids (revision, critique), one row a violation
MATCH (t:Turn)-[:ANSWERS]->(k)
WHERE NOT EXISTS { (k)-[:CRITIQUES]->(:Proposal)<-[:REVISES]-(t) }
RETURN [t.id, k.id] AS ids
