// List the models with the endpoints that serve them, oldest first.
// parameters: none
// returns: model, a positional list; one row a model
MATCH (m:Model)
RETURN [m.id, m.name, m.rehearsal, [(m)-[:SERVED_BY]->(e:Endpoint) | [e.id, e.name, e.url, e.apiKeyVariable]]] AS model
ORDER BY m.id
