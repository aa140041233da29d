// Find which labels of ours have nodes of somebody else's in a graph without a migration of ours. Of each label the first such node answers.
// parameters: none
// returns: labels; no row where there are none, or a migration of ours
CALL () {
  // Ours by their ids are what callers make in a graph that was emptied beneath a running process, until that ends.
  MATCH (n:Role)
  WHERE NOT coalesce(n.id STARTS WITH 'rol_', false)
  RETURN 'Role' AS label
  LIMIT 1
  UNION ALL
  MATCH (n:Council)
  WHERE NOT coalesce(n.id STARTS WITH 'cou_', false)
  RETURN 'Council' AS label
  LIMIT 1
  UNION ALL
  MATCH (n:Agent)
  WHERE NOT coalesce(n.id STARTS WITH 'agt_', false)
  RETURN 'Agent' AS label
  LIMIT 1
  UNION ALL
  MATCH (n:Model)
  WHERE NOT coalesce(n.id STARTS WITH 'mdl_', false)
  RETURN 'Model' AS label
  LIMIT 1
  UNION ALL
  MATCH (n:Endpoint)
  WHERE NOT coalesce(n.id STARTS WITH 'end_', false)
  RETURN 'Endpoint' AS label
  LIMIT 1
  UNION ALL
  MATCH (n:RemovedEndpoint)
  WHERE NOT coalesce(n.id STARTS WITH 'end_', false)
  RETURN 'RemovedEndpoint' AS label
  LIMIT 1
  UNION ALL
  MATCH (n:Task)
  WHERE NOT coalesce(n.id STARTS WITH 'tsk_', false)
  RETURN 'Task' AS label
  LIMIT 1
  UNION ALL
  MATCH (n:Deliberation)
  WHERE NOT coalesce(n.id STARTS WITH 'dlb_', false)
  RETURN 'Deliberation' AS label
  LIMIT 1
  UNION ALL
  MATCH (n:Seat)
  WHERE NOT EXISTS { (n)<-[:SEATS]-(d WHERE d.id STARTS WITH 'dlb_') }
  RETURN 'Seat' AS label
  LIMIT 1
  UNION ALL
  MATCH (n:Turn)
  WHERE NOT coalesce(n.id STARTS WITH 'trn_', false)
  RETURN 'Turn' AS label
  LIMIT 1
  UNION ALL
  MATCH (n:Verdict)
  WHERE NOT coalesce(n.id STARTS WITH 'vrd_', false)
  RETURN 'Verdict' AS label
  LIMIT 1
  UNION ALL
  MATCH (n:Claim)
  WHERE NOT coalesce(n.id STARTS WITH 'clm_', false)
  RETURN 'Claim' AS label
  LIMIT 1
  UNION ALL
  MATCH (n:Process)
  WHERE NOT coalesce(n.id STARTS WITH 'prc_', false)
  RETURN 'Process' AS label
  LIMIT 1
  UNION ALL
  MATCH (n:Migration)
  RETURN 'Migration' AS label
  LIMIT 1
  UNION ALL
  MATCH (n:Seeding)
  RETURN 'Seeding' AS label
  LIMIT 1
  UNION ALL
  MATCH (n:Lock)
  // The one of the migrations is there before any of them, and stays where a start was cut off.
  WHERE NOT coalesce(n.name, '') IN ['migrations', 'endpoints']
  RETURN 'Lock' AS label
  LIMIT 1
  UNION ALL
  MATCH (n:Queued)
  WHERE NOT coalesce(n.id STARTS WITH 'dlb_', false)
  RETURN 'Queued' AS label
  LIMIT 1
  UNION ALL
  MATCH (n:Running)
  WHERE NOT coalesce(n.id STARTS WITH 'dlb_', false)
  RETURN 'Running' AS label
  LIMIT 1
  UNION ALL
  MATCH (n:Decided)
  WHERE NOT coalesce(n.id STARTS WITH 'dlb_', false)
  RETURN 'Decided' AS label
  LIMIT 1
  UNION ALL
  MATCH (n:Failed)
  WHERE NOT coalesce(n.id STARTS WITH 'dlb_', false)
  RETURN 'Failed' AS label
  LIMIT 1
  UNION ALL
  MATCH (n:Cancelled)
  WHERE NOT coalesce(n.id STARTS WITH 'dlb_', false)
  RETURN 'Cancelled' AS label
  LIMIT 1
  UNION ALL
  MATCH (n:Proposal)
  WHERE NOT coalesce(n.id STARTS WITH 'trn_', false)
  RETURN 'Proposal' AS label
  LIMIT 1
  UNION ALL
  MATCH (n:Critique)
  WHERE NOT coalesce(n.id STARTS WITH 'trn_', false)
  RETURN 'Critique' AS label
  LIMIT 1
  UNION ALL
  MATCH (n:Ballot)
  WHERE NOT coalesce(n.id STARTS WITH 'trn_', false)
  RETURN 'Ballot' AS label
  LIMIT 1
  UNION ALL
  MATCH (n:Final)
  WHERE NOT coalesce(n.id STARTS WITH 'trn_', false)
  RETURN 'Final' AS label
  LIMIT 1
}
WITH collect(label) AS labels
// Only now are the migrations looked for: were the nodes written just now by a process of ours that starts, these were there before.
WHERE labels <> [] AND NOT EXISTS {
  MATCH (m:Migration)
  WHERE m.name > '' AND m.checksum IS NOT NULL
}
RETURN labels
