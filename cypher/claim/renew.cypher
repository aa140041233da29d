// Renew the lease of a process, whether or not it has run out meanwhile, and say what the process still holds.
// $process; $lease in milliseconds
// Columns: deliberation, epoch, left: milliseconds until its deadline, null without one
// The first SET locks the process, nothing else is locked; a lease is one property, so that one write renews all claims.
MATCH (p:Process {id: $process})
SET p.leaseUntil = datetime.realtime('Z') + duration({milliseconds: $lease})
WITH p
MATCH (d:Deliberation {holder: p.id})
RETURN d.id AS deliberation, d.epoch AS epoch, d.deadline.epochMillis - datetime.realtime().epochMillis AS left
