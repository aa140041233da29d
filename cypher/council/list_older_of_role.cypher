// List the councils that serve or served a role, newest first, from just before a key.
// $role: the role's name; $key: an id; $limit: how many; $includeArchived; $nameContains: part of a name in any case, or null
// Column: councils: [council, role, seats, models, bound (endpoints that agents are bound to)] of each, in order, in one row; all are lists without names
// Whoever serves is a council; were that said, the planner might go by the ids of all of them.
MATCH (r:Role {name: $role})<-[:SERVES]-(c)
USING INDEX SEEK r:Role(name)
WHERE
  c.id < $key
  AND ($includeArchived OR c.servesRole IS NOT NULL)
  AND ($nameContains IS NULL OR toLower(c.name) CONTAINS toLower($nameContains))
WITH c
ORDER BY c.id DESC
LIMIT $limit
// One row again, so that the next is read once and not for each.
WITH collect(c) AS page
// Who is busy: read from the few running deliberations, since an agent's past seats are many.
CALL () {
  OPTIONAL MATCH (d:Running)-[:SEATS]->(:Seat)-[:OF]->(busy:Agent)
  USING SCAN d:Running
  RETURN collect(DISTINCT busy.id) AS busy
}
UNWIND page AS c
MATCH (c)-[:SERVES]->(r:Role)
CALL (c, busy) {
  MATCH (a:Agent)-[on:SITS_ON]->(c)
  MATCH (a)-[:SPEAKS_WITH]->(m:Model)
  OPTIONAL MATCH (a)-[:BOUND_TO]->(e:Endpoint)
  WITH a, on, m, e, busy
  ORDER BY on.seat
  RETURN
    collect([on.seat, a.id, a.name, a.persona, a.temperature, a.maxTokens, a.metadata, m.id, e.id, a.id IN busy])
      AS seats,
    collect(DISTINCT m) AS models,
    collect(DISTINCT e) AS bound
}
WITH c, r, seats, models, bound
ORDER BY c.id DESC
RETURN collect([
  [
    c.id, c.name, c.protocol, c.rounds, c.quorum, c.decision, c.version,
    c.createdAt.epochMillis, c.updatedAt.epochMillis, c.archivedAt.epochMillis
  ],
  [r.id, r.name, r.description, CASE WHEN c.servesRole IS NULL THEN null ELSE c.id END],
  seats,
  [m IN models |
    [m.id, m.name, m.rehearsal, [(m)-[:SERVED_BY]->(e:Endpoint) | [e.id, e.name, e.url, e.apiKeyVariable]]]
  ],
  [e IN bound | [e.id, e.name, e.url, e.apiKeyVariable]]
]) AS councils
