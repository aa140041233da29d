// Count processes that ended long ago and would be on no claim any more, were all deliberations that ended before the same moment removed.
// $after: the last id looked at before, or ''; $before: their leases must have run out before that, and a day ago; $limit: how many to look at
// Columns: last: the last id looked at, null where none is left; processes
MATCH (p:Process)
WHERE p.id > $after
WITH p
ORDER BY p.id
LIMIT $limit
WITH p, p.leaseUntil < $before AND p.leaseUntil < datetime.realtime('Z') - duration('P1D') AND NOT EXISTS {
  MATCH (p)<-[:BY]-(:Claim)<-[:CLAIMED]-(d:Deliberation)
  WHERE NOT (d.status IN ['DECIDED', 'FAILED', 'CANCELLED'] AND coalesce(d.finishedAt < $before, false))
} AS goes
RETURN max(p.id) AS last, sum(CASE WHEN goes THEN 1 ELSE 0 END) AS processes
