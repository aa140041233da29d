// Fail: end without a verdict, under the claim and over the sequence from which that was concluded.
// $deliberation, $epoch, $sequence: the claim, and the sequence of the last event known, null for whatever it is; $stopReason, $failure: why
// Column: deliberation, one row where it has failed now, under this very claim; no row where it has not.
// The SET of `lock` takes the write lock; whatever is compared is read after it.
MATCH (d:Deliberation {id: $deliberation})
SET d.lock = true
WITH d
WHERE d.epoch = $epoch AND (d.status = 'FAILED' OR (d.status = 'RUNNING' AND d.sequence = coalesce($sequence, d.sequence)))
// After a lost acknowledgement the same claim asks again: then it has failed and nothing is left to do.
CALL (d) {
  WITH d
  WHERE d.status = 'RUNNING'
  SET d.status = 'FAILED', d.stopReason = $stopReason, d.failure = $failure, d.finishedAt = datetime.realtime('Z'),
    d.sequence = d.sequence + 1, d.holder = null, d.waiting = null, d:Failed
  REMOVE d:Running
}
RETURN d.id AS deliberation
