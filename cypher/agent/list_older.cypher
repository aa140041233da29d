// List agents, newest first, from just before a key.
// $key: an id; $limit: how many
// Column: agents: each as in `deliberation/read`, in order, in one row
MATCH (a:Agent)
WHERE a.id < $key
WITH a
ORDER BY a.id DESC
LIMIT $limit
// One row again, so that the next is read once and not for each.
WITH collect(a) AS page
// Who is busy: read from the few running deliberations, since an agent's past seats are many.
CALL () {
  OPTIONAL MATCH (d:Running)-[:SEATS]->(:Seat)-[:OF]->(busy:Agent)
  USING SCAN d:Running
  RETURN collect(DISTINCT busy.id) AS busy
}
UNWIND page AS a
MATCH (a)-[:SPEAKS_WITH]->(m:Model)
OPTIONAL MATCH (a)-[:BOUND_TO]->(e:Endpoint)
OPTIONAL MATCH (a)-[:SITS_ON]->(c:Council)
WITH a, m, e, c, busy
ORDER BY a.id DESC
RETURN collect([
  a.id, a.name, a.persona, a.temperature, a.maxTokens,
  [m.id, m.name, m.rehearsal, [(m)-[:SERVED_BY]->(s:Endpoint) | [s.id, s.name, s.url, s.apiKeyVariable]]],
  CASE WHEN e IS NULL THEN null ELSE [e.id, e.name, e.url, e.apiKeyVariable] END,
  coalesce(a.retired, false), a.metadata, c.id, a.id IN busy
]) AS agents
