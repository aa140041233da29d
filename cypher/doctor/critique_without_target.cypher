// A critique is of one other seat's proposal in the same deliberation, or of none where nobody made it.
// parameters: none
// returns: ids (critique), one row a violation
MATCH (d:Deliberation)-[:HAS_TURN]->(t:Critique)
OPTIONAL MATCH (t)-[:CRITIQUES]->(p)
WITH d, t, count(p) AS targets, any(p IN collect(p) WHERE p.seat = t.seat OR NOT p:Proposal OR NOT EXISTS { (d)-[:HAS_TURN]->(p) }) AS wrong
WHERE wrong OR targets > 1 OR (targets = 0 AND t.outcome = 'TAKEN')
RETURN [t.id] AS ids
