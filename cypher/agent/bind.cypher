// Bind an agent that is bound to none to an endpoint. It is locked by `agent/lock`.
// $id; $endpoint: its name
// returns: nothing
MATCH (a:Agent {id: $id})
MATCH (e:Endpoint {name: $endpoint})
CREATE (a)-[:BOUND_TO]->(e)
