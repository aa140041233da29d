// Find processes that may be at work: their leases have not run out.
// parameters: none
// Columns: id, host, seconds: until the lease runs out
MATCH (p:Process)
WHERE p.leaseUntil > datetime.realtime('Z')
RETURN p.id AS id, p.host AS host, toFloat(duration.inSeconds(datetime.realtime('Z'), p.leaseUntil).milliseconds) / 1000 AS seconds
ORDER BY id
