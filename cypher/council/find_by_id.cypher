// Find councils.
// $ids: of the councils; $seated: whether with who sits on them
// Column: councils: [council, role, seats, bound, how many sit on it] of each, in one row; council and role are lists without
//   names, seats, in no order, [number, id, name, persona, temperature, maxTokens, metadata, model], bound [agent, endpoint]; a model
//   is [id, name, rehearsal, nothing], an endpoint [id, name, url, apiKeyVariable]
MATCH (c:Council)
USING INDEX SEEK c:Council(id)
WHERE c.id IN $ids
MATCH (c)-[:SERVES]->(r:Role)
RETURN collect([
  [
    c.id, c.name, c.protocol, c.rounds, c.quorum, c.decision, c.version,
    c.createdAt.epochMillis, c.updatedAt.epochMillis, c.archivedAt.epochMillis
  ],
  [r.id, r.name, r.description, CASE WHEN c.servesRole IS NULL THEN null ELSE c.id END],
  // One look at all seats and one at all that are bound: a look at each agent, for what it speaks with, takes Neo4j half as long again.
  [(c)<-[on:SITS_ON]-(a)-[:SPEAKS_WITH]->(m) WHERE $seated | [
    on.seat, a.id, a.name, a.persona, a.temperature, a.maxTokens, a.metadata,
    [m.id, m.name, coalesce(m.rehearsal, false), []]
  ]],
  [(c)<-[:SITS_ON]-(a)-[:BOUND_TO]->(e) WHERE $seated | [a.id, [e.id, e.name, e.url, e.apiKeyVariable]]],
  CASE WHEN $seated THEN COUNT { (c)<-[:SITS_ON]-() } ELSE 0 END
]) AS councils
