// Note what an endpoint lists, and add that it serves the models of the graph among these names.
// $endpoint: its id; $models: names
// returns: added (how many it was not known to serve)
MATCH (e:Endpoint {id: $endpoint})
// The write lock, with a constant.
SET e.lock = true
// Read again under the lock: who held it may have removed the endpoint, and then it has lost its label.
WITH e
WHERE e:Endpoint
// Models that agents name later find it by that: see `model/serve`.
SET e.listedModels = $models
WITH e
MATCH (m:Model)
WHERE m.name IN $models AND NOT m.rehearsal AND NOT EXISTS { (m)-[:SERVED_BY]->(e) }
// Under the lock, that is once; `model/serve` says why it is no MERGE.
CREATE (m)-[:SERVED_BY]->(e)
RETURN count(m) AS added
