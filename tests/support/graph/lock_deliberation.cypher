// Take a deliberation's lock and keep it until the transaction ends.
// $deliberation
// Column: epoch
MATCH (d:Deliberation {id: $deliberation})
SET d.lock = true
RETURN d.epoch AS epoch
