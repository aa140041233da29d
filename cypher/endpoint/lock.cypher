// Lock an endpoint.
// $id
// returns: endpoint, a positional list; agent (the id of one that is bound to it, or null); no row where there is no such endpoint
MATCH (e:Endpoint {id: $id})
// The write lock, with a constant; it also keeps others from binding an agent to it meanwhile.
SET e.lock = true
// Read again under the lock: who held it may have removed the endpoint, and then it has lost its label.
WITH e
WHERE e:Endpoint
RETURN
  [e.id, e.name, e.url, e.apiKeyVariable] AS endpoint,
  head([(a:Agent)-[:BOUND_TO]->(e) WHERE NOT coalesce(a.retired, false) | a.id]) AS agent
