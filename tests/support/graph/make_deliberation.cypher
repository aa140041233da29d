// Make what an agent's council deliberates on, with one seat of his.
// $id, $status, $agent: its name; $endpoint: the name of the one that the seat is bound to, or null
// returns: nothing
MATCH (a:Agent {name: $agent})-[:SITS_ON]->(c:Council)
MATCH (a)-[:SPEAKS_WITH]->(m:Model)
OPTIONAL MATCH (e:Endpoint {name: $endpoint})
CREATE (c)-[:HELD]->(d:Deliberation {id: $id, status: $status})-[:SEATS]->(s:Seat {number: 1})-[:OF]->(a)
CREATE (s)-[:SPEAKS_WITH]->(m)
FOREACH (_ IN CASE WHEN $status = 'RUNNING' THEN [1] ELSE [] END | SET d:Running)
FOREACH (bound IN CASE WHEN e IS NULL THEN [] ELSE [e] END | CREATE (s)-[:BOUND_TO]->(bound))
