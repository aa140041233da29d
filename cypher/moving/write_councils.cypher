// Write councils with who sits on them, each once. Under the lock of the migrations.
// $rows: [{properties, instants, role, agents}]; instants: [name, text] of each; role: its name;
//   agents: [{properties, seat, model, default, endpoint}], model and endpoint by name, endpoint null where there is none
// Column: untied: names of agents that were written whose model or endpoint is not there
UNWIND $rows AS row
WITH row
WHERE NOT EXISTS { (:Council {id: row.properties.id}) }
MATCH (r:Role {name: row.role})
CREATE (c:Council)-[:SERVES]->(r)
SET c = row.properties
FOREACH (instant IN row.instants | SET c[instant[0]] = datetime(instant[1]))
WITH c, row
UNWIND row.agents AS one
CREATE (a:Agent)-[:SITS_ON {seat: one.seat}]->(c)
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
