// Copy each council that serves a role, with its role and its agents; names begin with the number of the copy.
// $copies: of each
// returns: nothing
MATCH (c:Council)-[:SERVES]->(r:Role {name: c.servesRole})
UNWIND range(1, $copies) AS copy
WITH c, r, copy + '/' AS copied
CALL (c, r, copied) {
  CREATE (council:Council)-[:SERVES]->(role:Role)
  SET role = r {.*, id: 'rol_' + replace(randomUUID(), '-', ''), name: left(copied + r.name, 200)}
  SET council = c {.*, id: 'cou_' + replace(randomUUID(), '-', ''), servesRole: role.name}
  WITH c, council, copied
  MATCH (a:Agent)-[sits:SITS_ON]->(c)
  MATCH (a)-[speaks:SPEAKS_WITH]->(m:Model)
  OPTIONAL MATCH (a)-[:BOUND_TO]->(e:Endpoint)
  CREATE (council)<-[on:SITS_ON]-(agent:Agent)-[with:SPEAKS_WITH]->(m)
  SET agent = a {.*, id: 'agt_' + replace(randomUUID(), '-', ''), name: left(copied + a.name, 255)}
  SET on = properties(sits), with = properties(speaks)
  FOREACH (endpoint IN CASE WHEN e IS NULL THEN [] ELSE [e] END | CREATE (agent)-[:BOUND_TO]->(endpoint))
}
