// Find processes that were at work at a time or after it, if only for a moment.
// $since: an instant as text, by the server's clock
// Columns: id, host
MATCH (p:Process)
WHERE p.startedAt >= datetime($since) OR p.leaseUntil >= datetime($since)
RETURN p.id AS id, p.host AS host
ORDER BY id
