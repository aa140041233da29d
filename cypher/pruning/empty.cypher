// Empty turns of a deliberation that has ended: what was said and thought goes, but for the winning proposal; the nodes stay.
// $deliberation; $before: it must have ended before that; $together: how many turns at once, since contents may be large
// Columns: emptied: how many turns were; more: whether some are left for another time. One row where it may be emptied; no row where it
// is not there, or has not ended, or not so long ago.
// The SET of `lock` takes the write lock; whatever is compared is read after it.
MATCH (d:Deliberation {id: $deliberation})
SET d.lock = true
WITH d
WHERE d.status IN ['DECIDED', 'FAILED', 'CANCELLED'] AND d.finishedAt < $before
CALL (d) {
  MATCH (d)-[:HAS_TURN]->(turn:Turn)
  WHERE (turn.content IS NOT NULL OR turn.reasoning IS NOT NULL) AND NOT EXISTS { (turn)<-[:CHOSE]-(:Verdict) }
  WITH turn
  LIMIT $together + 1
  RETURN collect(turn) AS full
}
WITH d, full[..$together] AS turns, size(full) > $together AS more
FOREACH (turn IN turns | SET turn.content = null, turn.reasoning = null)
// `pruning` is there only as long as some are left: whoever comes after an interruption goes on by it.
SET d.prunedAt = coalesce(d.prunedAt, datetime.realtime('Z')), d.pruning = CASE WHEN more THEN true END
RETURN size(turns) AS emptied, more
