// Read every model, endpoint and serving council with all who sit on it, for the registry.
// parameters: none
// returns: kind, item (a positional list); endpoints before models before councils, since each names the ones before by their ids
MATCH (e:Endpoint)
RETURN 'endpoint' AS kind, [e.id, e.name, e.url, e.apiKeyVariable] AS item
UNION ALL
MATCH (m:Model)
RETURN 'model' AS kind, [m.id, m.name, m.rehearsal, [(m)-[:SERVED_BY]->(e:Endpoint) | e.id]] AS item
UNION ALL
MATCH (c:Council)
WHERE c.servesRole IS NOT NULL
MATCH (c)-[:SERVES]->(r:Role)
CALL (c) {
  MATCH (a:Agent)-[on:SITS_ON]->(c)
  MATCH (a)-[:SPEAKS_WITH]->(m:Model)
  OPTIONAL MATCH (a)-[:BOUND_TO]->(e:Endpoint)
  WITH a, on, m, e
  ORDER BY on.seat
  RETURN collect([on.seat, a.id, a.name, a.persona, a.temperature, a.maxTokens, a.metadata, m.id, e.id, false]) AS seats
}
RETURN
  'council' AS kind,
  [
    [
      c.id, c.name, c.protocol, c.rounds, c.quorum, c.decision, c.version,
      c.createdAt.epochMillis, c.updatedAt.epochMillis, c.archivedAt.epochMillis
    ],
    [r.id, r.name, r.description, c.id],
    seats
  ] AS item
