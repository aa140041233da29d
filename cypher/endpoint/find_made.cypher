// Find what a request made before: the endpoint with its id or its idempotency key, a removed one too.
// $id, $idempotencyKey: null where the caller sent none
// returns: id, inputDigest, removed
MATCH (e:Endpoint)
WHERE e.id = $id OR e.idempotencyKey = $idempotencyKey
RETURN e.id AS id, e.inputDigest AS inputDigest, false AS removed
UNION ALL
// After the others: one that is removed meanwhile is found here. They are few, and in no index.
MATCH (e:RemovedEndpoint)
WHERE e.idempotencyKey = $idempotencyKey
RETURN e.id AS id, e.inputDigest AS inputDigest, true AS removed
