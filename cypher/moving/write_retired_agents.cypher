// Write agents who sit on no council, each once. Under the lock of the migrations.
// $rows: [{properties, model, default, endpoint}], model and endpoint by name, endpoint null where there is none
// Column: untied: names of agents that were written whose model or endpoint is not there
UNWIND $rows AS one
WITH one
WHERE NOT EXISTS { (:Agent {id: one.properties.id}) }
CREATE (a:Agent)
SET a = one.properties
WITH a, one
CALL (a, one) {
  WITH a, one
  WHERE one.endpoint IS NOT NULL
  MATCH (e:Endpoint {name: one.endpoint})
  CREATE (a)-[:BOUND_TO]->(e)
}
CALL (a, one) {
  WITH a, one
  WHERE one.default
  MATCH (m:Model {isDefault: true})
  CREATE (a)-[:SPEAKS_WITH {default: true}]->(m)
}
CALL (a, one) {
  WITH a, one
  WHERE NOT one.default
  MATCH (m:Model {name: one.model})
  CREATE (a)-[:SPEAKS_WITH]->(m)
}
WITH a, one
// An endpoint that was being removed has lost its label when the relationship comes to it.
WHERE NOT EXISTS { (a)-[:SPEAKS_WITH]->() } OR one.endpoint IS NOT NULL AND NOT EXISTS { (a)-[:BOUND_TO]->(:Endpoint) }
RETURN collect(a.name) AS untied
