// Create a council without seats that serves its role. The role is locked by `role/lock`.
// $role: its name; $id, $name, $protocol, $rounds, $quorum, $decision; $createdBy, $idempotencyKey, $inputDigest: null where the caller sent none
// returns: nothing
MATCH (r:Role {name: $role})
WITH r, datetime.realtime('UTC') AS now
CREATE (:Council {
  id: $id,
  name: $name,
  servesRole: r.name,
  protocol: $protocol,
  rounds: $rounds,
  quorum: $quorum,
  decision: $decision,
  version: 1,
  createdAt: now,
  updatedAt: now,
  createdBy: $createdBy,
  idempotencyKey: $idempotencyKey,
  inputDigest: $inputDigest
})-[:SERVES]->(r)
