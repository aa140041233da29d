// What a verdict ranks are proposals of its own deliberation, one a seat.
// parameters: none
// returns: ids (verdict, proposal), one row a violation
MATCH (d:Deliberation)-[:REACHED]->(v:Verdict)-[:RANKED]->(p)
WHERE NOT p:Proposal OR NOT EXISTS { (d)-[:HAS_TURN]->(p) } OR COUNT { (v)-[:RANKED]->(:Proposal {seat: p.seat}) } <> 1
RETURN [v.id, p.id] AS ids
