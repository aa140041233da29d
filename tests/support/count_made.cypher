// Count what mutations make, by label, and what each key made.
// Columns: label, nodes, keys: the idempotency keys of these
MATCH (n:Role|Council|Agent|Endpoint|Task|Deliberation)
UNWIND [label IN labels(n) WHERE label IN ['Role', 'Council', 'Agent', 'Endpoint', 'Task', 'Deliberation']] AS label
RETURN label, count(n) AS nodes, collect(n.idempotencyKey) AS keys
