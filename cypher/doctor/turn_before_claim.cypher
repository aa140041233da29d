// What was never claimed has no turns.
// parameters: none
// returns: ids (turn), one row a violation
MATCH (d:Deliberation)-[:HAS_TURN]->(t:Turn)
WHERE NOT EXISTS { (d)-[:CLAIMED]->(:Claim) }
RETURN [t.id] AS ids
