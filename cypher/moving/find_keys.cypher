// Find whose idempotency keys these are.
// $roles, $councils, $agents, $endpoints, $deliberations: keys; those of removed endpoints are still theirs
// Columns: label, id, key
UNWIND $roles AS key
MATCH (n:Role {idempotencyKey: key})
RETURN 'Role' AS label, n.id AS id, key
UNION ALL
UNWIND $councils AS key
MATCH (n:Council {idempotencyKey: key})
RETURN 'Council' AS label, n.id AS id, key
UNION ALL
UNWIND $agents AS key
MATCH (n:Agent {idempotencyKey: key})
RETURN 'Agent' AS label, n.id AS id, key
UNION ALL
UNWIND $endpoints AS key
MATCH (n:Endpoint {idempotencyKey: key})
RETURN 'Endpoint' AS label, n.id AS id, key
UNION ALL
UNWIND $endpoints AS key
MATCH (n:RemovedEndpoint {idempotencyKey: key})
RETURN 'Endpoint' AS label, n.id AS id, key
UNION ALL
UNWIND $deliberations AS key
MATCH (n:Deliberation {idempotencyKey: key})
RETURN 'Deliberation' AS label, n.id AS id, key
