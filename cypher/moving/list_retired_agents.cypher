// List agents who sit on no council for export, in pages by id.
// $after: the last id of the page before, or ''; $limit: how many
// Columns: id, agent: [properties, [model, whether as the default] of each, endpoint of each]
MATCH (a:Agent)
WHERE a.id > $after AND NOT EXISTS { (a)-[:SITS_ON]->(:Council) }
WITH a
ORDER BY a.id
LIMIT $limit
RETURN a.id AS id, [[key IN keys(a) | [key, CASE WHEN a[key] IS :: ZONED DATETIME NOT NULL THEN toString(a[key]) ELSE a[key] END]],
    [(a)-[speaks:SPEAKS_WITH]->(m:Model) | [m.name, speaks.default]], [(a)-[:BOUND_TO]->(e:Endpoint) | e.name]] AS agent
