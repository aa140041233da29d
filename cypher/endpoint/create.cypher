// Create an endpoint.
// $id, $name, $url, $apiKeyVariable; $idempotencyKey, $inputDigest: null where the caller sent none
// returns: nothing
CREATE (:Endpoint {
  id: $id,
  name: $name,
  url: $url,
  apiKeyVariable: $apiKeyVariable,
  idempotencyKey: $idempotencyKey,
  inputDigest: $inputDigest
})
