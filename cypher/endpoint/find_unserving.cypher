// Find the endpoints that `model/serve` will have to tie to models, which may not be there yet.
// $served: [{model, endpoint}], both names; endpoint is null where an agent is bound to none
// returns: name
// Only reads: a statement that writes would lock the models' names, and endpoints are locked before these.
UNWIND $served AS row
OPTIONAL MATCH (m:Model {name: row.model})
WITH row, m
MATCH (e:Endpoint)
WHERE
  NOT EXISTS { (m)-[:SERVED_BY]->(e) } AND (
    row.model IN e.listedModels
    OR e.name = row.endpoint
    OR e.name = 'default' AND row.endpoint IS NULL AND NOT EXISTS { (m)-[:SERVED_BY]->(:Endpoint) })
RETURN DISTINCT e.name AS name
