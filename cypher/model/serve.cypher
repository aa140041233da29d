// Say which endpoint serves a model that agents name: the one they are bound to, else `default` where nothing serves it yet.
// $served: [{model, endpoint}], both names; endpoint is null where an agent is bound to none
// returns: nothing
UNWIND $served AS row
MATCH (m:Model {name: row.model})
CALL (m, row) {
  WITH m, row
  WHERE row.endpoint IS NOT NULL
  MATCH (e:Endpoint {name: row.endpoint})
  MERGE (m)-[:SERVED_BY]->(e)
}
CALL (m, row) {
  WITH m, row
  WHERE row.endpoint IS NULL AND NOT EXISTS { (m)-[:SERVED_BY]->(:Endpoint) }
  MATCH (e:Endpoint {name: 'default'})
  MERGE (m)-[:SERVED_BY]->(e)
}
