// List models for export, in pages by id.
// $after: the last id of the page before, or ''; $limit: how many
// Columns: id, properties: [name, value] of each, instants as text; servedBy: names of endpoints
MATCH (n:Model)
WHERE n.id > $after
WITH n
ORDER BY n.id
LIMIT $limit
RETURN n.id AS id, [key IN keys(n) | [key, CASE WHEN n[key] IS :: ZONED DATETIME NOT NULL THEN toString(n[key]) ELSE n[key] END]] AS properties, [(n)-[:SERVED_BY]->(e:Endpoint) | e.name] AS servedBy
