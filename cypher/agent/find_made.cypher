// Find what a request made before: the agent with its id or its idempotency key.
// $id, $idempotencyKey: null where the caller sent none
// returns: id, inputDigest
MATCH (a:Agent)
WHERE a.id = $id OR a.idempotencyKey = $idempotencyKey
RETURN a.id AS id, a.inputDigest AS inputDigest
