// List the next deliberations by their index, oldest first, with what pruning has to know of each.
// $above, $below: ids between which to look; $before: what ended before that is old; $limit: how many to look at
// Column: looked: [id, whether it has ended and is old, whether its contents are gone already, how many turns it has], in order, in
// one row
MATCH (d:Deliberation)
WHERE d.id > $above AND d.id < $below
WITH d
ORDER BY d.id ASC
LIMIT $limit
RETURN collect([
  d.id, d.status IN ['DECIDED', 'FAILED', 'CANCELLED'] AND coalesce(d.finishedAt < $before, false),
  d.prunedAt IS NOT NULL AND d.pruning IS NULL, COUNT { (d)-[:HAS_TURN]->() }
]) AS looked
