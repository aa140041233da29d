// Renew the lease of a process, whether or not it has run out meanwhile, and say what the process still holds.
// $process; $lease in milliseconds; $known: the epoch of each deliberation that it knows to be its own
// Column: held: [deliberation, epoch, milliseconds until its deadline or null]; one row, since that is read faster than one each, and no
// row where the process is not in the graph
// The first SET locks the process, nothing else is locked; a lease is one property, so that one write renews all claims.
MATCH (p:Process {id: $process})
SET p.leaseUntil = datetime.realtime('Z') + duration({milliseconds: $lease})
WITH p
CALL (p) {
  // The role is named since the index is over both: without it every deliberation there ever was would be read.
  MATCH (d:Deliberation)
  USING INDEX SEEK d:Deliberation(holder, role)
  WHERE d.holder = $process AND d.role IS NOT NULL
  WITH p, d, d.epoch AS epoch
  // Whose another epoch is, its claim says: while another takes over, the index still has the one, and the store already the other's epoch.
  WHERE epoch = $known[d.id] OR EXISTS {
    MATCH (d)-[:CLAIMED]->(claim:Claim)
    WHERE claim.epoch = epoch
    MATCH (claim)-[:BY]->(by)
    WHERE by = p
  }
  RETURN collect([d.id, epoch, d.deadline.epochMillis - datetime.realtime('Z').epochMillis]) AS held
}
RETURN held
