// A critique that was made is of one other seat's proposal in the same deliberation.
// parameters: none
// returns: ids (critique), one row a violation
MATCH (d:Deliberation)-[:HAS_TURN]->(t:Critique {outcome: 'TAKEN'})
OPTIONAL MATCH (t)-[:CRITIQUES]->(p)
WITH d, t, count(p) AS targets, any(p IN collect(p) WHERE p.seat = t.seat OR NOT p:Proposal OR NOT EXISTS { (d)-[:HAS_TURN]->(p) }) AS wrong
WHERE targets <> 1 OR wrong
RETURN [t.id] AS ids
