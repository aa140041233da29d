// Say which endpoints serve models that agents name: those that list them and the one that an agent is bound to, else `default`.
// $served: [{model, endpoint}], both names; endpoint is null where an agent is bound to none
// returns: nothing
// Of those who tie a model to an endpoint each has the endpoint's lock, and asks under it: a MERGE would lock both nodes whole, and wait for
// acceptances on agents that speak with the one or are bound to the other, which wait for that lock.
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
  WITH e, m
  WHERE NOT EXISTS { (m)-[:SERVED_BY]->(e) }
  CREATE (m)-[:SERVED_BY]->(e)
}
CALL () {
  UNWIND $served AS row
  MATCH (m:Model {name: row.model})
  WITH DISTINCT m, row.endpoint AS name
  MATCH (e:Endpoint {name: name})
  WHERE NOT EXISTS { (m)-[:SERVED_BY]->(e) }
  WITH m, e
  ORDER BY e.name
  // The write locks, with a constant, in order of the names.
  SET e.lock = true
  WITH m, e
  WHERE e:Endpoint AND NOT EXISTS { (m)-[:SERVED_BY]->(e) }
  CREATE (m)-[:SERVED_BY]->(e)
}
CALL () {
  UNWIND $served AS row
  MATCH (m:Model {name: row.model})
  WHERE row.endpoint IS NULL AND NOT EXISTS { (m)-[:SERVED_BY]->(:Endpoint) }
  WITH DISTINCT m
  MATCH (e:Endpoint {name: 'default'})
  // The write lock, with a constant.
  SET e.lock = true
  WITH m, e
  WHERE NOT EXISTS { (m)-[:SERVED_BY]->(e) }
  CREATE (m)-[:SERVED_BY]->(e)
}
