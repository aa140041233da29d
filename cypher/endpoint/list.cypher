// List the endpoints, oldest first.
// parameters: none
// returns: endpoint, a positional list; one row an endpoint
MATCH (e:Endpoint)
RETURN [e.id, e.name, e.url, e.apiKeyVariable] AS endpoint
ORDER BY e.id
