// Show which deliberations were taken over.
// $ids
// returns: id, at: when it was claimed again, lapsed: when the lease of who had claimed it before ran out; both in seconds since 1970
UNWIND $ids AS id
MATCH (d:Deliberation {id: id})-[:CLAIMED]->(again:Claim {resumed: true})
MATCH (d)-[:CLAIMED]->(before:Claim)-[:BY]->(dead:Process)
WHERE before.epoch = again.epoch - 1
RETURN id, again.at.epochMillis / 1000.0 AS at, dead.leaseUntil.epochMillis / 1000.0 AS lapsed
