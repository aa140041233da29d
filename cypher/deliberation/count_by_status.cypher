// Count deliberations by status, from the count store: each status is a label too.
// Columns: status, total
MATCH (d:Queued)
RETURN 'QUEUED' AS status, count(d) AS total
UNION ALL
MATCH (d:Running)
RETURN 'RUNNING' AS status, count(d) AS total
UNION ALL
MATCH (d:Decided)
RETURN 'DECIDED' AS status, count(d) AS total
UNION ALL
MATCH (d:Failed)
RETURN 'FAILED' AS status, count(d) AS total
UNION ALL
MATCH (d:Cancelled)
RETURN 'CANCELLED' AS status, count(d) AS total
