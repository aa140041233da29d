// Read all that was recorded of deliberations.
// $ids: deliberations
// Columns, as lists without names since those are read ten times as fast; one row each, in no order:
// deliberation: its id; ended: the sequence of its end, null while it is under way
// turns: [id, kind, round, seat, sample, outcome, content, reasoning, absence, finishReason, attempts, promptVersion, promptTokens,
//   cachedPromptTokens, completionTokens, calls, latencyMs, startedAt, finishedAt, sequence, [target, its seat], revises, answers,
//   [position, choice] of each choice]
// claims: [sequence, at, resumed]
// verdict: [id, decidedAt, margin, agreement, partial, decision, ranking], null where there is none; ranking: [rank, score, votes, proposal]
UNWIND $ids AS id
MATCH (d:Deliberation {id: id})
RETURN d.id AS deliberation,
  CASE WHEN d.status IN ['DECIDED', 'FAILED', 'CANCELLED'] THEN d.sequence END AS ended,
  [(d)-[:HAS_TURN]->(t:Turn) | [
  t.id, t.kind, t.round, t.seat, t.sample, t.outcome, t.content, t.reasoning, t.absence, t.finishReason, t.attempts, t.promptVersion,
  t.promptTokens, t.cachedPromptTokens, t.completionTokens, t.calls, t.latencyMs, t.startedAt, t.finishedAt, t.sequence,
  head([(t)-[:CRITIQUES]->(p:Turn) | [p.id, p.seat]]),
  head([(t)-[:REVISES]->(p:Turn) | p.id]),
  [(t)-[:ANSWERS]->(p:Turn) | p.id],
  [(t)-[r:RANKS]->(p:Turn) | [r.position, p.id]]
]] AS turns,
  [(d)-[:CLAIMED]->(k:Claim) | [k.sequence, k.at, k.resumed]] AS claims,
  head([(d)-[:REACHED]->(v:Verdict) | [v.id, v.decidedAt, v.margin, v.agreement, v.partial, v.decision,
    [(v)-[r:RANKED]->(p:Turn) | [r.rank, r.score, r.votes, p.id]]]]) AS verdict
