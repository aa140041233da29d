// List agents, newest first, from just before a key.
// $key: an id; $limit: how many
// Column: agents: [id, name, persona, temperature, maxTokens, model, endpoint, retired, metadata, council] of each, in order, in one
//   row; a model is [id, name, rehearsal, nothing], an endpoint [id, name, url, apiKeyVariable]
MATCH (a:Agent)
WHERE a.id < $key
WITH a
ORDER BY a.id DESC
LIMIT $limit
RETURN collect([
  a.id, a.name, a.persona, a.temperature, a.maxTokens,
  head([(a)-[:SPEAKS_WITH]->(m) | [m.id, m.name, coalesce(m.rehearsal, false), []]]),
  head([(a)-[:BOUND_TO]->(e) | [e.id, e.name, e.url, e.apiKeyVariable]]),
  coalesce(a.retired, false), a.metadata, head([(a)-[:SITS_ON]->(c) | c.id])
]) AS agents
