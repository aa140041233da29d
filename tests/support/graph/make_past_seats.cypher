// Let every agent of a council have sat in many deliberations that have ended, and let some others run.
// $role: of the council; $ended, $running: how many of each
// returns: nothing
MATCH (c:Council {servesRole: $role})<-[:SITS_ON]-(a:Agent)
WITH c, collect(a) AS agents
UNWIND range(1, $ended + $running) AS i
CREATE (c)-[:HELD]->(d:Deliberation {id: 'dlb_' + i, status: CASE WHEN i > $ended THEN 'RUNNING' ELSE 'DECIDED' END})
FOREACH (_ IN CASE WHEN i > $ended THEN [1] ELSE [] END | SET d:Running)
FOREACH (_ IN CASE WHEN i > $ended THEN [] ELSE [1] END | SET d:Decided)
FOREACH (a IN agents | CREATE (d)-[:SEATS]->(:Seat {number: 1})-[:OF]->(a))
