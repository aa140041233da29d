// A verdict chose the one proposal that it ranked first.
// parameters: none
// returns: ids (verdict), one row a violation
MATCH (v:Verdict)
WHERE COUNT { (v)-[:CHOSE]->() } <> 1 OR NOT EXISTS { MATCH (v)-[:CHOSE]->(p)<-[:RANKED {rank: 1}]-(v) }
RETURN [v.id] AS ids
