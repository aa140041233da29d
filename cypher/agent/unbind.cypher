// Let an agent be bound to no endpoint. It is locked by `agent/lock`.
// $id
// returns: nothing
MATCH (a:Agent {id: $id})-[before:BOUND_TO]->(:Endpoint)
USING INDEX SEEK a:Agent(id)
DELETE before
