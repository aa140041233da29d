// List the councils that serve or served a role, oldest first, from just after a key.
// $role: the role's name; $key: an id; $limit: how many; $includeArchived; $nameContains: part of a name in any case, or null;
//   $seated: whether with who sits on them
// Column: councils: [council, role, seats, bound, how many sit on it] of each, in order, in one row; council and role are lists without
//   names, seats, in no order, [number, id, name, persona, temperature, maxTokens, metadata, model], bound [agent, endpoint]; a model
//   is [id, name, rehearsal, nothing], an endpoint [id, name, url, apiKeyVariable]
// Whoever serves is a council; were that said, the planner might go by the ids of all of them.
MATCH (r:Role {name: $role})<-[:SERVES]-(c)
USING INDEX SEEK r:Role(name)
WHERE
  c.id > $key
  AND ($includeArchived OR c.servesRole IS NOT NULL)
  AND ($nameContains IS NULL OR toLower(c.name) CONTAINS toLower($nameContains))
WITH c, r
ORDER BY c.id ASC
LIMIT $limit
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
