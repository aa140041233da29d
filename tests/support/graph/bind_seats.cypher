// Bind the seats of a deliberation to an endpoint.
// $deliberation, $endpoint
// Column: seats
MATCH (e:Endpoint {id: $endpoint})
MATCH (:Deliberation {id: $deliberation})-[:SEATS]->(s:Seat)
CREATE (s)-[:BOUND_TO]->(e)
RETURN count(s) AS seats
