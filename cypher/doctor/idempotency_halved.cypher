// What has an idempotency key has the digest of its input, and the other way round.
// parameters: none
// returns: ids (node), one row a violation
MATCH (n:Role|Council|Agent|Endpoint|Deliberation)
WHERE (n.idempotencyKey IS NULL) <> (n.inputDigest IS NULL)
RETURN [n.id] AS ids
