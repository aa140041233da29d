// Read every model, endpoint and serving council with all who sit on it, for the registry.
// $together: how many councils come in one row, since the driver spends more on a row than on what is in it
// returns: kind, items (positional lists); endpoints before models before councils, since each names the ones before by their ids
MATCH (e:Endpoint)
RETURN 'endpoint' AS kind, collect([e.id, e.name, e.url, e.apiKeyVariable]) AS items
UNION ALL
MATCH (m:Model)
RETURN 'model' AS kind, collect([m.id, m.name, m.rehearsal, [(m)-[:SERVED_BY]->(e:Endpoint) | e.id]]) AS items
UNION ALL
MATCH (c:Council)
WHERE c.servesRole IS NOT NULL
WITH collect(c) AS councils
UNWIND range(0, size(councils) - 1, $together) AS first
CALL (councils, first) {
  UNWIND councils[first..first + $together] AS c
  MATCH (c)-[:SERVES]->(r:Role)
  CALL (c) {
    MATCH (a:Agent)-[on:SITS_ON]->(c)
    MATCH (a)-[:SPEAKS_WITH]->(m:Model)
    OPTIONAL MATCH (a)-[:BOUND_TO]->(e:Endpoint)
    WITH a, on, m, e
    ORDER BY on.seat
    RETURN collect([on.seat, a.id, a.name, a.persona, a.temperature, a.maxTokens, a.metadata, m.id, e.id]) AS seats
  }
  RETURN collect([
    [
      c.id, c.name, c.protocol, c.rounds, c.quorum, c.decision, c.version,
      c.createdAt.epochMillis, c.updatedAt.epochMillis, c.archivedAt.epochMillis
    ],
    [r.id, r.name, r.description, c.id],
    seats
  ]) AS items
}
RETURN 'council' AS kind, items
