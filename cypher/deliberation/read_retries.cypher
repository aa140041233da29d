// Read what deliberations retry, and what retries them.
// $ids
// Column: retries: [deliberation, the one that it retries or null, those that retry it, oldest first] of each that is there, in no order, in one row
UNWIND $ids AS id
MATCH (d:Deliberation {id: id})
OPTIONAL MATCH (d)<-[:RETRIES]-(retry:Deliberation)
WITH d, retry
ORDER BY retry.id
WITH d, collect(retry.id) AS by
RETURN collect([d.id, head([(d)-[:RETRIES]->(old:Deliberation) | old.id]), by]) AS retries
