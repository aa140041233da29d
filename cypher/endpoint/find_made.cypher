// Find what a request made before: the endpoint with its id or its idempotency key.
// $id, $idempotencyKey: null where the caller sent none
// returns: id, inputDigest
MATCH (e:Endpoint)
WHERE e.id = $id OR e.idempotencyKey = $idempotencyKey
RETURN e.id AS id, e.inputDigest AS inputDigest
