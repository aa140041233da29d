// Find what a request made before: the council with its id or its idempotency key.
// $id, $idempotencyKey: null where the caller sent none
// returns: id, inputDigest
MATCH (c:Council)
WHERE c.id = $id OR c.idempotencyKey = $idempotencyKey
RETURN c.id AS id, c.inputDigest AS inputDigest
