// A deliberation has the one label of its status, and nothing else has one.
// parameters: none
// returns: ids (node), one row a violation
MATCH (d:Deliberation)
WHERE [label IN labels(d) WHERE label <> 'Deliberation'] <>
  [CASE d.status
    WHEN 'QUEUED' THEN 'Queued' WHEN 'RUNNING' THEN 'Running' WHEN 'DECIDED' THEN 'Decided' WHEN 'FAILED' THEN 'Failed'
    WHEN 'CANCELLED' THEN 'Cancelled' ELSE d.status
  END]
RETURN [d.id] AS ids
UNION ALL
MATCH (n:Queued|Running|Decided|Failed|Cancelled)
WHERE NOT n:Deliberation
RETURN [coalesce(toStringOrNull(n.id), elementId(n))] AS ids
