// Add what an endpoint says it serves: the models of the graph among the names that it lists.
// $endpoint: its id; $models: names
// returns: added (how many it was not known to serve)
MATCH (e:Endpoint {id: $endpoint})
MATCH (m:Model)
WHERE m.name IN $models AND NOT m.rehearsal AND NOT EXISTS { (m)-[:SERVED_BY]->(e) }
MERGE (m)-[:SERVED_BY]->(e)
RETURN count(m) AS added
