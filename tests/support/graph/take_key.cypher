// Take an idempotency key for a deliberation.
// $deliberation; $key
MATCH (d:Deliberation {id: $deliberation})
SET d.idempotencyKey = $key, d.inputDigest = 'another'
