// Show a process.
// $process
// returns: host, startedAt, leaseUntil
MATCH (p:Process {id: $process})
RETURN p.host AS host, p.startedAt AS startedAt, p.leaseUntil AS leaseUntil
