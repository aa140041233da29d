// End a deliberation now.
// $deliberation
// Column: status
MATCH (d:Deliberation {id: $deliberation})
SET d.status = 'FAILED', d.stopReason = 'ERROR', d.failure = 'ended', d.finishedAt = datetime.realtime('Z'), d.holder = null, d:Failed
REMOVE d:Running
RETURN d.status AS status
