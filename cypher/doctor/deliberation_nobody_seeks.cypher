// A deliberation under way either is held or waits to be claimed, in the place of its priority and status; one that has ended does neither.
// parameters: none
// returns: ids (deliberation), one row a violation
MATCH (d:Deliberation)
WITH
  d, toInteger(d.holder IS NOT NULL) + toInteger(d.waiting IS NOT NULL) AS sought,
  // What was under way comes before what is new.
  CASE d.priority WHEN 'HIGH' THEN 0 WHEN 'NORMAL' THEN 2 ELSE 4 END + CASE d.status WHEN 'QUEUED' THEN 1 ELSE 0 END AS place
WHERE
  (d.status = 'QUEUED' AND d.waiting IS NULL)
  OR sought <> CASE WHEN d.status IN ['DECIDED', 'FAILED', 'CANCELLED'] THEN 0 ELSE 1 END
  OR d.waiting <> place
RETURN [d.id] AS ids
