// A ballot ranks only proposals of other seats in its own deliberation.
// parameters: none
// returns: ids (ballot, proposal), one row a violation
MATCH (d:Deliberation)-[:HAS_TURN]->(t:Ballot)-[:RANKS]->(p)
WHERE p.seat = t.seat OR NOT p:Proposal OR NOT EXISTS { (d)-[:HAS_TURN]->(p) }
RETURN [t.id, p.id] AS ids
