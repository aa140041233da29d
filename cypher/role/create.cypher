// Create a role. The numbers count the default names that were ever given for it, and only grow.
// $id, $name, $description; $createdBy, $idempotencyKey, $inputDigest: null where the caller sent none
// returns: nothing
CREATE (:Role {
  id: $id,
  name: $name,
  description: $description,
  agentsNamed: 0,
  councilsNamed: 0,
  createdBy: $createdBy,
  idempotencyKey: $idempotencyKey,
  inputDigest: $inputDigest
})
