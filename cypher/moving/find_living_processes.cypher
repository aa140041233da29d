// Find processes that may be at work: their leases have not run out.
// parameters: none
// Columns: id, host, seconds: until the lease runs out
MATCH (p:Process)
// As `claim/claim` has it: a lease with far more to run was written before the clock was set back.
WHERE datetime.realtime('Z') < p.leaseUntil <= datetime.realtime('Z') + duration('PT10M')
RETURN p.id AS id, p.host AS host, toFloat(duration.inSeconds(datetime.realtime('Z'), p.leaseUntil).milliseconds) / 1000 AS seconds
ORDER BY id
