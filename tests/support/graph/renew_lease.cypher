// Give a process a lease of ten minutes.
// $process
// Column: process
MATCH (p:Process {id: $process})
SET p.leaseUntil = datetime.realtime('Z') + duration('PT10M')
RETURN p.id AS process
