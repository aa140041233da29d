// Find agents.
// $ids: of the agents
// Column: agents: [id, name, persona, temperature, maxTokens, model, endpoint, retired, metadata, council] of each, in one row; a model is
//   [id, name, rehearsal, nothing], an endpoint [id, name, url, apiKeyVariable]
MATCH (a:Agent)
USING INDEX SEEK a:Agent(id)
WHERE a.id IN $ids
RETURN collect([
  a.id, a.name, a.persona, a.temperature, a.maxTokens,
  head([(a)-[:SPEAKS_WITH]->(m) | [m.id, m.name, coalesce(m.rehearsal, false), []]]),
  head([(a)-[:BOUND_TO]->(e) | [e.id, e.name, e.url, e.apiKeyVariable]]),
  coalesce(a.retired, false), a.metadata, head([(a)-[:SITS_ON]->(c) | c.id])
]) AS agents
