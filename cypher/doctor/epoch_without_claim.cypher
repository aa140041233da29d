// A deliberation's epoch is that of its last claim, and they count from 1; a cancel, which is no claim of a process, raises it once more.
// parameters: none
// returns: ids (deliberation), one row a violation
MATCH (d:Deliberation)
CALL (d) {
  MATCH (d)-[:CLAIMED]->(k:Claim)
  RETURN count(k) AS claims, count(DISTINCT k.epoch) AS epochs, coalesce(max(k.epoch), 0) AS last
}
WITH d, claims, epochs, last
WHERE claims <> epochs OR claims <> last OR d.epoch <> last + CASE d.status WHEN 'CANCELLED' THEN 1 ELSE 0 END
RETURN [d.id] AS ids
