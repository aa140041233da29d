// A deliberation is pruned after it has ended, and says when.
// parameters: none
// returns: ids (deliberation), one row a violation
MATCH (d:Deliberation)
WHERE
  (d.pruning IS NOT NULL AND d.prunedAt IS NULL)
  OR (d.prunedAt IS NOT NULL AND NOT (d.status IN ['DECIDED', 'FAILED', 'CANCELLED'] AND coalesce(d.prunedAt >= d.finishedAt, true)))
RETURN [d.id] AS ids
