// Do to a deliberation what a claim by another process does.
// $deliberation; $process: who has it then
// Column: epoch: the new one
MATCH (d:Deliberation {id: $deliberation})
SET d.epoch = d.epoch + 1, d.sequence = d.sequence + 1, d.holder = $process, d.waiting = null, d.status = 'RUNNING',
  d.startedAt = coalesce(d.startedAt, datetime.realtime('Z'))
RETURN d.epoch AS epoch
