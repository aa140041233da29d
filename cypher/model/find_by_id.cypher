// Find models with the endpoints that serve them.
// $ids: of the models
// returns: model, a positional list; one row a model
MATCH (m:Model)
WHERE m.id IN $ids
RETURN [m.id, m.name, m.rehearsal, [(m)-[:SERVED_BY]->(e:Endpoint) | [e.id, e.name, e.url, e.apiKeyVariable]]] AS model
