// An agent is bound to one endpoint at most.
// parameters: none
// returns: ids (agent, endpoints), one row a violation
MATCH (a:Agent)-[:BOUND_TO]->(e:Endpoint)
WITH a, collect(e.id) AS endpoints
WHERE size(endpoints) > 1
RETURN [a.id] + endpoints AS ids
