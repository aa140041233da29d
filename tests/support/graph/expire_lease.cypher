// Let the lease of a process run out.
// $process
// Column: process
MATCH (p:Process {id: $process})
SET p.leaseUntil = datetime.realtime('Z') - duration('PT1S')
RETURN p.id AS process
