// Find which labels of ours have nodes in a graph without a migration of ours: they are somebody else's. Counts are looked up in the count store.
// parameters: none
// returns: labels; no row where there are none, or a migration of ours
CALL () {
  MATCH (n:Role)
  WITH count(n) AS nodes
  RETURN 'Role' AS label, nodes
  UNION ALL
  MATCH (n:Council)
  WITH count(n) AS nodes
  RETURN 'Council' AS label, nodes
  UNION ALL
  MATCH (n:Agent)
  WITH count(n) AS nodes
  RETURN 'Agent' AS label, nodes
  UNION ALL
  MATCH (n:Model)
  WITH count(n) AS nodes
  RETURN 'Model' AS label, nodes
  UNION ALL
  MATCH (n:Endpoint)
  WITH count(n) AS nodes
  RETURN 'Endpoint' AS label, nodes
  UNION ALL
  MATCH (n:RemovedEndpoint)
  WITH count(n) AS nodes
  RETURN 'RemovedEndpoint' AS label, nodes
  UNION ALL
  MATCH (n:Task)
  WITH count(n) AS nodes
  RETURN 'Task' AS label, nodes
  UNION ALL
  MATCH (n:Deliberation)
  WITH count(n) AS nodes
  RETURN 'Deliberation' AS label, nodes
  UNION ALL
  MATCH (n:Seat)
  WITH count(n) AS nodes
  RETURN 'Seat' AS label, nodes
  UNION ALL
  MATCH (n:Turn)
  WITH count(n) AS nodes
  RETURN 'Turn' AS label, nodes
  UNION ALL
  MATCH (n:Verdict)
  WITH count(n) AS nodes
  RETURN 'Verdict' AS label, nodes
  UNION ALL
  MATCH (n:Claim)
  WITH count(n) AS nodes
  RETURN 'Claim' AS label, nodes
  UNION ALL
  MATCH (n:Process)
  WITH count(n) AS nodes
  RETURN 'Process' AS label, nodes
  UNION ALL
  MATCH (n:Migration)
  WITH count(n) AS nodes
  RETURN 'Migration' AS label, nodes
  UNION ALL
  MATCH (n:Seeding)
  WITH count(n) AS nodes
  RETURN 'Seeding' AS label, nodes
  UNION ALL
  MATCH (n:Lock)
  // Ours are no data: the one of the migrations is there before any of them, and stays where a start was cut off.
  WHERE NOT coalesce(n.name, '') IN ['migrations', 'endpoints']
  WITH count(n) AS nodes
  RETURN 'Lock' AS label, nodes
  UNION ALL
  MATCH (n:Queued)
  WITH count(n) AS nodes
  RETURN 'Queued' AS label, nodes
  UNION ALL
  MATCH (n:Running)
  WITH count(n) AS nodes
  RETURN 'Running' AS label, nodes
  UNION ALL
  MATCH (n:Decided)
  WITH count(n) AS nodes
  RETURN 'Decided' AS label, nodes
  UNION ALL
  MATCH (n:Failed)
  WITH count(n) AS nodes
  RETURN 'Failed' AS label, nodes
  UNION ALL
  MATCH (n:Cancelled)
  WITH count(n) AS nodes
  RETURN 'Cancelled' AS label, nodes
  UNION ALL
  MATCH (n:Proposal)
  WITH count(n) AS nodes
  RETURN 'Proposal' AS label, nodes
  UNION ALL
  MATCH (n:Critique)
  WITH count(n) AS nodes
  RETURN 'Critique' AS label, nodes
  UNION ALL
  MATCH (n:Ballot)
  WITH count(n) AS nodes
  RETURN 'Ballot' AS label, nodes
  UNION ALL
  MATCH (n:Final)
  WITH count(n) AS nodes
  RETURN 'Final' AS label, nodes
}
WITH label, nodes
WHERE nodes > 0
WITH collect(label) AS labels
// Only now are the migrations looked for: were the nodes written just now by a process of ours that starts, these were there before.
WHERE labels <> [] AND NOT EXISTS {
  MATCH (m:Migration)
  WHERE m.name IS NOT NULL AND m.checksum IS NOT NULL
}
RETURN labels
