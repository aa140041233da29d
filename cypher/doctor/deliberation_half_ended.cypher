// A deliberation has the time and the reason of its end where, and only where, it has ended; a failed one says why.
// parameters: none
// returns: ids (deliberation), one row a violation
MATCH (d:Deliberation)
WITH d, d.status IN ['DECIDED', 'FAILED', 'CANCELLED'] AS ended
WHERE
  (d.finishedAt IS NOT NULL) <> ended OR (d.stopReason IS NOT NULL) <> ended OR (d.status = 'FAILED' AND d.failure IS NULL)
RETURN [d.id] AS ids
