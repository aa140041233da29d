// Find agents.
// $ids: of the agents
// Column: agents: each as in `deliberation/read`, in one row
// Who is busy: read from the few running deliberations, since an agent's past seats are many.
CALL () {
  OPTIONAL MATCH (d:Running)-[:SEATS]->(:Seat)-[:OF]->(busy:Agent)
  USING SCAN d:Running
  RETURN collect(DISTINCT busy.id) AS busy
}
MATCH (a:Agent)
USING INDEX SEEK a:Agent(id)
WHERE a.id IN $ids
MATCH (a)-[:SPEAKS_WITH]->(m:Model)
OPTIONAL MATCH (a)-[:BOUND_TO]->(e:Endpoint)
OPTIONAL MATCH (a)-[:SITS_ON]->(c:Council)
RETURN collect([
  a.id, a.name, a.persona, a.temperature, a.maxTokens,
  [m.id, m.name, m.rehearsal, [(m)-[:SERVED_BY]->(s:Endpoint) | [s.id, s.name, s.url, s.apiKeyVariable]]],
  CASE WHEN e IS NULL THEN null ELSE [e.id, e.name, e.url, e.apiKeyVariable] END,
  coalesce(a.retired, false), a.metadata, c.id, a.id IN busy
]) AS agents
