// List agents, newest first, from just before a key.
// $key: an id; $limit: how many
// Column: agents: [agent, [whether it is a model, model or else endpoint] of what it speaks with and what it is bound to,
//   council] of each, in order, in one row
MATCH (a:Agent)
WHERE a.id < $key
WITH a
ORDER BY a.id DESC
LIMIT $limit
RETURN collect([
  properties(a), [(a)-[:SPEAKS_WITH|BOUND_TO]->(x) | [x:Model, properties(x)]], head([(a)-[:SITS_ON]->(c) | c.id])
]) AS agents
