// Take an endpoint's lock and keep it until the transaction ends.
// $name
// returns: nothing
MATCH (e:Endpoint {name: $name})
SET e.lock = true
