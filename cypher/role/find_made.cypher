// Find what a request made before: the role with its id or its idempotency key.
// $id, $idempotencyKey: null where the caller sent none
// returns: id, inputDigest
MATCH (r:Role)
WHERE r.id = $id OR r.idempotencyKey = $idempotencyKey
RETURN r.id AS id, r.inputDigest AS inputDigest
