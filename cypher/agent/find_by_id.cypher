// Find agents.
// $ids: of the agents
// Column: agents: [agent, [whether it is a model, model or else endpoint] of what it speaks with and what it is bound to,
//   council] of each, in one row
MATCH (a:Agent)
USING INDEX SEEK a:Agent(id)
WHERE a.id IN $ids
RETURN collect([
  properties(a), [(a)-[:SPEAKS_WITH|BOUND_TO]->(x) | [x:Model, properties(x)]], head([(a)-[:SITS_ON]->(c) | c.id])
]) AS agents
