// A revision revises one proposal of its own seat in the same deliberation, or none where nobody made it; other turns revise none.
// parameters: none
// returns: ids (turn), one row a violation
MATCH (d:Deliberation)-[:HAS_TURN]->(t:Turn)
OPTIONAL MATCH (t)-[:REVISES]->(p)
WITH d, t, count(p) AS origins, any(p IN collect(p) WHERE p.seat <> t.seat OR NOT p:Proposal OR NOT EXISTS { (d)-[:HAS_TURN]->(p) }) AS wrong
WHERE
  wrong
  OR origins > CASE t.kind WHEN 'REVISION' THEN 1 ELSE 0 END
  OR (origins = 0 AND t.kind = 'REVISION' AND t.outcome = 'TAKEN')
RETURN [t.id] AS ids
