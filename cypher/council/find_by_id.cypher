// Find councils with all who sit on them.
// $ids: of the councils
// Column: councils: [council, role, seats, models, bound (endpoints that agents are bound to)] of each, in one row; all are lists without names
// Who is busy: read from the few running deliberations, since an agent's past seats are many.
CALL () {
  OPTIONAL MATCH (d:Running)-[:SEATS]->(:Seat)-[:OF]->(busy:Agent)
  USING SCAN d:Running
  RETURN collect(DISTINCT busy.id) AS busy
}
MATCH (c:Council)
USING INDEX SEEK c:Council(id)
WHERE c.id IN $ids
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
