// Whoever holds a deliberation is the process that claimed it last.
// parameters: none
// returns: ids (deliberation, holder), one row a violation
MATCH (d:Deliberation)
WHERE d.holder IS NOT NULL AND NOT EXISTS {
  MATCH (d)-[:CLAIMED]->(k:Claim)-[:BY]->(p:Process)
  WHERE k.epoch = d.epoch AND p.id = d.holder
}
RETURN [d.id, d.holder] AS ids
