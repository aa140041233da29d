// Read deliberations, without their seats, with all that was recorded of them: for those who follow them.
// $ids
// Columns: deliberation and task as `deliberation/read` has them, transcript as `turn/read_transcripts` has it, with what was said. A row for
// each that is there, in no order.
UNWIND $ids AS id
MATCH (d:Deliberation {id: id})-[:ABOUT]->(task:Task)
USING INDEX SEEK d:Deliberation(id)
// The deliberation first: what was committed up to its sequence is in a transcript that is read after it.
WITH d, task, head([d IN [properties(d)] | [
  d.id, d.councilId, d.councilVersion, d.role, d.protocol, d.rounds, d.quorum, d.decision, d.priority, d.status, d.stopReason, d.failure,
  d.rehearsal, d.acceptedAt.epochSeconds * 1000000 + d.acceptedAt.microsecond, d.startedAt.epochSeconds * 1000000 + d.startedAt.microsecond,
  d.finishedAt.epochSeconds * 1000000 + d.finishedAt.microsecond, d.deadline.epochSeconds * 1000000 + d.deadline.microsecond,
  d.tokenBudget, d.tokensReserved, d.tokensSettled, d.prunedAt.epochSeconds * 1000000 + d.prunedAt.microsecond, d.createdBy, d.resumptions, d.sequence,
  d.promptTokens, d.cachedPromptTokens, d.completionTokens, d.calls
]]) AS deliberation, true AS told
RETURN deliberation, [
  task.id, task.description, task.context, task.rubric, task.requirements, task.externalId, task.metadata
] AS task, [d.id,
  CASE WHEN d.status IN ['DECIDED', 'FAILED', 'CANCELLED'] THEN d.sequence END,
  [(d)-[:HAS_TURN]->(t:Turn) | head([turn IN [properties(t)] | [
  turn.id, turn.kind, turn.round, turn.seat, turn.sample, turn.outcome, CASE WHEN told THEN turn.content END, CASE WHEN told THEN turn.reasoning END, turn.absence, turn.finishReason, turn.attempts, turn.promptVersion,
  turn.promptTokens, turn.cachedPromptTokens, turn.completionTokens, turn.calls, turn.latencyMs,
  turn.startedAt.epochSeconds * 1000000 + turn.startedAt.microsecond, turn.finishedAt.epochSeconds * 1000000 + turn.finishedAt.microsecond, turn.sequence,
  head([(t)-[:CRITIQUES]->(p:Turn) | [p.id, p.seat]]),
  head([(t)-[:REVISES]->(p:Turn) | p.id]),
  [(t)-[:ANSWERS]->(p:Turn) | p.id],
  [(t)-[r:RANKS]->(p:Turn) | [r.position, p.id]]
]])],
  [(d)-[:CLAIMED]->(k:Claim) | [k.sequence, k.at.epochSeconds * 1000000 + k.at.microsecond, k.resumed]],
  head([(d)-[:REACHED]->(v:Verdict) | [v.id, v.decidedAt.epochSeconds * 1000000 + v.decidedAt.microsecond, v.margin, v.agreement, v.partial, v.decision,
    [(v)-[r:RANKED]->(p:Turn) | [r.rank, r.score, r.votes, p.id]]]])] AS transcript
