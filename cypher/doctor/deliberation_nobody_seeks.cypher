// A deliberation under way either is held or waits to be claimed; one that has ended does neither.
// parameters: none
// returns: ids (deliberation), one row a violation
MATCH (d:Deliberation)
WITH d, toInteger(d.holder IS NOT NULL) + toInteger(d.waiting IS NOT NULL) AS sought
WHERE
  (d.status = 'QUEUED' AND d.waiting IS NULL)
  OR sought <> CASE WHEN d.status IN ['DECIDED', 'FAILED', 'CANCELLED'] THEN 0 ELSE 1 END
RETURN [d.id] AS ids
