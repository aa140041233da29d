// Read all that was recorded of deliberations.
// $ids: deliberations; $brief: those of them of whose turns neither content nor reasoning is read
// Column: transcript: [deliberation, ended, turns, claims, verdict] of each that is there, in no order, a row each: Neo4j has to have all
// of a row in its memory to send it. All are lists without names and times are microseconds since 1970: the driver reads those ten times
// as fast.
// deliberation: its id; ended: the sequence of its end, null while it is under way
// turns: [id, kind, round, seat, sample, outcome, content, reasoning, absence, finishReason, attempts, promptVersion, promptTokens,
//   cachedPromptTokens, completionTokens, calls, latencyMs, startedAt, finishedAt, sequence, [target, its seat], revises, answers,
//   [position, choice] of each choice]
// claims: [sequence, at, resumed]
// verdict: [id, decidedAt, margin, agreement, partial, decision, ranking], null where there is none; ranking: [rank, score, votes, proposal]
UNWIND $ids AS id
MATCH (d:Deliberation {id: id})
WITH d, NOT d.id IN $brief AS told
RETURN [d.id,
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
