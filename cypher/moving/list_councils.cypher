// List councils with who sits on them for export, in pages by id; archived ones, too.
// $after: the last id of the page before, or ''; $limit: how many
// Columns: id, properties: [name, value] of each, instants as text; roles: names; deliberated: whether it ever has;
//   seeded: whether it is no younger than the seeding; agents: [properties, [model, whether as the default] of each, endpoint of each, seat]
MATCH (n:Council)
WHERE n.id > $after
WITH n
ORDER BY n.id
LIMIT $limit
RETURN n.id AS id, [key IN keys(n) | [key, CASE WHEN n[key] IS :: ZONED DATETIME NOT NULL THEN toString(n[key]) ELSE n[key] END]] AS properties,
  [(n)-[:SERVES]->(r:Role) | r.name] AS roles, EXISTS { (n)-[:HELD]->(:Deliberation) } AS deliberated,
  EXISTS { MATCH (s:Seeding) WHERE n.createdAt <= s.at } AS seeded,
  [(a:Agent)-[sits:SITS_ON]->(n) | [[key IN keys(a) | [key, CASE WHEN a[key] IS :: ZONED DATETIME NOT NULL THEN toString(a[key]) ELSE a[key] END]],
    [(a)-[speaks:SPEAKS_WITH]->(m:Model) | [m.name, speaks.default]], [(a)-[:BOUND_TO]->(e:Endpoint) | e.name], sits.seat]] AS agents
