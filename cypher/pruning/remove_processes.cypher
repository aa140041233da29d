// Remove processes that ended long ago and are on no claim any more.
// $before: their leases must have run out before that, and a day ago; $together: how many at once
// Column: removed: how many were
// The DELETE takes the write locks, and nothing is compared after it: should a process come back after a day in this very moment, it finds
// that it is not there, and enters again.
MATCH (p:Process)
WHERE p.leaseUntil < $before AND p.leaseUntil < datetime.realtime('Z') - duration('P1D') AND NOT EXISTS { (p)<-[:BY]-() }
WITH p
LIMIT $together
DELETE p
RETURN count(*) AS removed
