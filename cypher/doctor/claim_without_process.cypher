// A claim is of exactly one deliberation and by exactly one process.
// parameters: none
// returns: ids (claim), one row a violation
MATCH (k:Claim)
WHERE COUNT { (:Deliberation)-[:CLAIMED]->(k) } <> 1 OR COUNT { (k)-[:BY]->(:Process) } <> 1
RETURN [k.id] AS ids
