// Have the lease of a process as a clock wrote it that was three hours ahead, and has been set back since.
// $process
// Column: process
MATCH (p:Process {id: $process})
SET p.leaseUntil = p.leaseUntil + duration('PT3H')
RETURN p.id AS process
