// Turns, claims and the end of a deliberation have each number of its sequence once.
// parameters: none
// returns: ids (deliberation), one row a violation
MATCH (d:Deliberation)
CALL (d) {
  MATCH (d)-[:HAS_TURN]->(t:Turn)
  RETURN t.sequence AS number
  UNION ALL
  MATCH (d)-[:CLAIMED]->(k:Claim)
  RETURN k.sequence AS number
  UNION ALL
  WITH d
  WHERE d.status IN ['DECIDED', 'FAILED', 'CANCELLED']
  RETURN d.sequence AS number
}
WITH d, count(*) AS events, count(DISTINCT number) AS numbers, min(number) AS first, max(number) AS last
WHERE numbers <> events OR first <> 1 OR last <> events OR d.sequence <> events
RETURN [d.id] AS ids
UNION ALL
MATCH (d:Deliberation)
WHERE d.sequence <> 0 AND NOT d.status IN ['DECIDED', 'FAILED', 'CANCELLED'] AND NOT EXISTS { (d)-[:CLAIMED|HAS_TURN]->() }
RETURN [d.id] AS ids
