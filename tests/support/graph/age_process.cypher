// Let the lease of a process have run out so many days ago.
// $process; $days
MATCH (p:Process {id: $process})
SET p.leaseUntil = datetime.realtime('Z') - duration({days: $days, seconds: 1})
