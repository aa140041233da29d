// Let an agent be bound to no endpoint. It is locked by `agent/lock`.
// $id
// returns: nothing
MATCH (:Agent {id: $id})-[before:BOUND_TO]->(:Endpoint)
DELETE before
