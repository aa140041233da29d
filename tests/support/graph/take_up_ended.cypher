// Let a deliberation that has ended look as if it were under way.
// $deliberation
// Column: status
MATCH (d:Deliberation {id: $deliberation})
SET d.status = 'RUNNING', d.finishedAt = null, d.stopReason = null
RETURN d.status AS status
