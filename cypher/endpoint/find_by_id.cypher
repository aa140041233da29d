// Find endpoints.
// $ids: of the endpoints
// returns: endpoint, a positional list; one row an endpoint
MATCH (e:Endpoint)
WHERE e.id IN $ids
RETURN [e.id, e.name, e.url, e.apiKeyVariable] AS endpoint
