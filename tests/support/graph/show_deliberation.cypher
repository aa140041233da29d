// Show a deliberation as it is stored, with its claims.
// $deliberation
// Columns: properties, labels, claims
MATCH (d:Deliberation {id: $deliberation})
OPTIONAL MATCH (d)-[:CLAIMED]->(k:Claim)-[:BY]->(p:Process)
WITH d, k, p
ORDER BY k.epoch
RETURN properties(d) AS properties, labels(d) AS labels,
  collect([k.id, k.sequence, k.epoch, k.resumed, p.id]) AS claims
