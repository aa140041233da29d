// Create agents and seat them on a council, which is new or locked by `council/lock`.
// $council: its id
// $agents: [{id, seat, name, persona, temperature, maxTokens, metadata, createdBy, idempotencyKey, inputDigest, model, endpoint}];
//   model is a name or null for the default, endpoint a name or null
// returns: nothing
MATCH (c:Council {id: $council})
UNWIND $agents AS row
CREATE (a:Agent {
  id: row.id,
  name: row.name,
  persona: row.persona,
  temperature: row.temperature,
  maxTokens: row.maxTokens,
  metadata: row.metadata,
  createdBy: row.createdBy,
  idempotencyKey: row.idempotencyKey,
  inputDigest: row.inputDigest
})-[:SITS_ON {seat: row.seat}]->(c)
WITH a, row
CALL (a, row) {
  WITH a, row
  WHERE row.endpoint IS NOT NULL
  MATCH (e:Endpoint {name: row.endpoint})
  CREATE (a)-[:BOUND_TO]->(e)
}
CALL (a, row) {
  WITH a, row
  WHERE row.model IS NULL
  MATCH (m:Model {isDefault: true})
  CREATE (a)-[:SPEAKS_WITH {default: true}]->(m)
}
CALL (a, row) {
  WITH a, row
  WHERE row.model IS NOT NULL
  MATCH (m:Model {name: row.model})
  CREATE (a)-[:SPEAKS_WITH]->(m)
}
