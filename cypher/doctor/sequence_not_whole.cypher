// Turns, claims and the end of a deliberation have each number of its sequence once.
// parameters: none
// returns: ids (deliberation), one row a violation
MATCH (d:Deliberation)
// One after the other: of all together it would be asked long after their events were read whether they fit, when more has come.
CALL (d) {
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
  RETURN count(*) AS events, count(DISTINCT number) AS numbers, min(number) AS first, max(number) AS last
}
WITH d, events, numbers, first, last
WHERE numbers <> events OR first <> 1 OR last <> events OR d.sequence <> events
RETURN [d.id] AS ids
