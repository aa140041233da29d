// End a deliberation without a word to whoever holds it, its epoch as it was.
// $deliberation
// Column: status
MATCH (d:Deliberation {id: $deliberation})
SET d.status = 'CANCELLED', d.stopReason = 'CANCELLED', d.finishedAt = datetime.realtime('Z'), d.sequence = d.sequence + 1, d.holder = null, d.waiting = null, d:Cancelled
REMOVE d:Running, d:Queued
RETURN d.status AS status
