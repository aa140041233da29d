// List who claimed a deliberation.
// $id: of the deliberation
// Columns: process; after: whether the lease of the one before, as it stands now, had run out when it was claimed, null of the first
MATCH (d:Deliberation {id: $id})-[:CLAIMED]->(c:Claim)-[:BY]->(p:Process)
WITH c, p
ORDER BY c.sequence
WITH collect([c, p]) AS claims
UNWIND range(0, size(claims) - 1) AS i
RETURN claims[i][1].id AS process, CASE WHEN i > 0 THEN claims[i - 1][1].leaseUntil < claims[i][0].at END AS after
