// List all deliberations, as chaos judges them.
// Columns: id, status, stopReason, key: its idempotency key; finishedAt, deadline: or null; held: whether somebody has it; budget: its token
//   budget, or null; spent: what counts against that, or null; alive: whether the lease of who has it runs; claims: [sequence, at];
//   verdicts: how many; turns: [id, kind, round, seat, outcome, sequence]
// Times are in microseconds since 1970.
MATCH (d:Deliberation)
OPTIONAL MATCH (p:Process {id: d.holder})
RETURN d.id AS id, d.status AS status, d.stopReason AS stopReason, d.idempotencyKey AS key,
  d.finishedAt.epochSeconds * 1000000 + d.finishedAt.microsecond AS finishedAt,
  d.deadline.epochSeconds * 1000000 + d.deadline.microsecond AS deadline,
  d.tokenBudget AS budget, d.promptTokens + d.completionTokens + d.tokensReserved - d.tokensSettled AS spent,
  d.holder IS NOT NULL AS held, coalesce(p.leaseUntil > datetime.realtime(), false) AS alive,
  [(d)-[:CLAIMED]->(c:Claim) | [c.sequence, c.at.epochSeconds * 1000000 + c.at.microsecond]] AS claims,
  COUNT { (d)-[:REACHED]->() } AS verdicts,
  [(d)-[:HAS_TURN]->(t:Turn) | [t.id, t.kind, t.round, t.seat, t.outcome, t.sequence]] AS turns
ORDER BY id
