// Read agents who sit on no council as list_retired_agents does.
// $ids: of the agents
// Columns: id, agent
UNWIND $ids AS id
MATCH (a:Agent {id: id})
WHERE NOT EXISTS { (a)-[:SITS_ON]->(:Council) }
RETURN a.id AS id, [[key IN keys(a) | [key, CASE WHEN a[key] IS :: ZONED DATETIME NOT NULL THEN toString(a[key]) ELSE a[key] END]],
    [(a)-[speaks:SPEAKS_WITH]->(m:Model) | [m.name, speaks.default]], [(a)-[:BOUND_TO]->(e:Endpoint) | e.name]] AS agent
