// Say which endpoints serve models that agents name: those that list them and the one that an agent is bound to, else `default`.
// $served: [{model, endpoint}], both names; endpoint is null where an agent is bound to none
// returns: nothing
CALL () {
  UNWIND $served AS row
  MATCH (m:Model {name: row.model})
  // Settled first: to look for all that an endpoint lists would lock each name, and two who make models would wait for each other.
  WITH DISTINCT m, m.name AS name
  MATCH (e:Endpoint)
  WHERE name IN e.listedModels AND NOT EXISTS { (m)-[:SERVED_BY]->(e) }
  WITH e, collect(m) AS models
  ORDER BY e.name
  // The write locks, with a constant, in order of the names.
  SET e.lock = true
  // Read again under the lock: who held it may have removed the endpoint, and then it has lost its label.
  WITH e, models
  WHERE e:Endpoint
  UNWIND models AS m
  MERGE (m)-[:SERVED_BY]->(e)
}
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
