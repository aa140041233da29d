// Create an endpoint.
// $id, $name, $url, $apiKeyVariable; $createdBy, $idempotencyKey, $inputDigest: null where the caller sent none
// returns: nothing
CREATE (:Endpoint {
  id: $id,
  name: $name,
  url: $url,
  apiKeyVariable: $apiKeyVariable,
  createdBy: $createdBy,
  idempotencyKey: $idempotencyKey,
  inputDigest: $inputDigest
})
