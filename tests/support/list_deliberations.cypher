// List all deliberations and what each has once.
// Columns: id, status, holder, stopReason, failure, sequence, resumptions, key: its idempotency key; claims: [sequence, epoch, resumed, process];
// verdicts, winners, tasks: how many it has
MATCH (d:Deliberation)
RETURN d.id AS id, d.status AS status, d.holder AS holder, d.stopReason AS stopReason, d.failure AS failure, d.sequence AS sequence,
  d.resumptions AS resumptions, d.idempotencyKey AS key,
  [(d)-[:CLAIMED]->(c:Claim)-[:BY]->(p:Process) | [c.sequence, c.epoch, c.resumed, p.id]] AS claims,
  COUNT { (d)-[:REACHED]->() } AS verdicts, COUNT { (d)-[:REACHED]->()-[:CHOSE]->(:Turn) } AS winners, COUNT { (d)-[:ABOUT]->(:Task) } AS tasks
ORDER BY id
