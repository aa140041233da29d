// A deliberation's councilId, role and externalId, by which it is listed, are those of its council and task.
// parameters: none
// returns: ids (deliberation, council), one row a violation
MATCH (d:Deliberation)<-[:HELD]-(c:Council)-[:SERVES]->(r:Role)
OPTIONAL MATCH (d)-[:ABOUT]->(t:Task)
WITH d, c, r, t
WHERE
  d.councilId <> c.id OR d.role <> r.name
  OR (t IS NOT NULL AND ((d.externalId IS NULL) <> (t.externalId IS NULL) OR d.externalId <> t.externalId))
RETURN [d.id, c.id] AS ids
