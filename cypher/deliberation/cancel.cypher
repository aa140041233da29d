// Cancel: end a deliberation that has not ended, whoever holds it: the epoch fences him, as a claim's would.
// $deliberation; $reason: why, or null; $cancelledBy: who, or null
// Columns: status: what it is after that: CANCELLED where it was cancelled now or before, and else how it had ended; epoch: of its last claim,
//   as which a cancel counts; no row where there is none.
// The SET of `lock` takes the write lock; whatever is compared is read after it.
MATCH (d:Deliberation {id: $deliberation})
SET d.lock = true
// Who held it may have pruned the deliberation, and then it has nothing left.
WITH d
WHERE d.status IS NOT NULL
CALL (d) {
  WITH d
  WHERE d.status IN ['QUEUED', 'RUNNING']
  SET d.status = 'CANCELLED', d.stopReason = 'CANCELLED', d.failure = $reason, d.finishedAt = datetime.realtime('Z'),
    d.cancelledBy = $cancelledBy,
    d.epoch = d.epoch + 1, d.sequence = d.sequence + 1, d.holder = null, d.waiting = null, d:Cancelled
  REMOVE d:Queued:Running
}
RETURN d.status AS status, d.epoch AS epoch
