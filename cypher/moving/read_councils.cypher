// Read councils as list_councils does.
// $ids: of the councils
// Columns: id, properties, roles, deliberated, seeded, agents
UNWIND $ids AS id
MATCH (n:Council {id: id})
RETURN n.id AS id, [key IN keys(n) | [key, CASE WHEN n[key] IS :: ZONED DATETIME NOT NULL THEN toString(n[key]) ELSE n[key] END]] AS properties,
  [(n)-[:SERVES]->(r:Role) | r.name] AS roles, EXISTS { (n)-[:HELD]->(:Deliberation) } AS deliberated,
  EXISTS { MATCH (s:Seeding) WHERE n.createdAt <= s.at } AS seeded,
  [(a:Agent)-[sits:SITS_ON]->(n) | [[key IN keys(a) | [key, CASE WHEN a[key] IS :: ZONED DATETIME NOT NULL THEN toString(a[key]) ELSE a[key] END]],
    [(a)-[speaks:SPEAKS_WITH]->(m:Model) | [m.name, speaks.default]], [(a)-[:BOUND_TO]->(e:Endpoint) | e.name], sits.seat]] AS agents
