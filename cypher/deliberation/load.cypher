// Load deliberations whole for the process that holds them: what was asked, of whom, and every turn recorded.
// $deliberations: their ids
// Columns: id: of the deliberation; told: [deliberation, task, seats, underWay], the first three as `deliberation/read` has them, underWay:
// milliseconds since it began, null where it has not; turns: as `turn/read_transcripts` has them, in no order. Of each that there is a row
// with 16 of its turns at most, and of more a row for each other 16, where told is null: Neo4j has to have all of a row in its memory to
// send it, and of the longest deliberations all turns are more than it has.
UNWIND $deliberations AS id
MATCH (d:Deliberation {id: id})-[:ABOUT]->(task:Task)
USING INDEX SEEK d:Deliberation(id)
WITH d, [(d)-[:HAS_TURN]->(t:Turn) | t] AS recorded, [[
  d.id, d.councilId, d.councilVersion, d.role, d.protocol, d.rounds, d.quorum, d.decision, d.priority, d.status, d.stopReason, d.failure,
  d.rehearsal, d.acceptedAt.epochSeconds * 1000000 + d.acceptedAt.microsecond, d.startedAt.epochSeconds * 1000000 + d.startedAt.microsecond,
  d.finishedAt.epochSeconds * 1000000 + d.finishedAt.microsecond, d.deadline.epochSeconds * 1000000 + d.deadline.microsecond,
  d.tokenBudget, d.tokensReserved, d.tokensSettled, d.prunedAt.epochSeconds * 1000000 + d.prunedAt.microsecond, d.createdBy, d.resumptions, d.sequence,
  d.promptTokens, d.cachedPromptTokens, d.completionTokens, d.calls
], [
  task.id, task.description, task.context, task.rubric, task.requirements, task.externalId, task.metadata
], [(d)-[:SEATS]->(place:Seat) | [
  place.number, place.persona, place.temperature, place.maxTokens,
  head([(place)-[:SPEAKS_WITH]->(m:Model) | [m.id, m.name, coalesce(m.rehearsal, false),
    [(m)-[:SERVED_BY]->(e:Endpoint) | [e.id, e.name, e.url, e.apiKeyVariable]]]]),
  head([(place)-[:BOUND_TO]->(e) | [e.id, e.name, e.url, e.apiKeyVariable]]),
  head([(place)-[:OF]->(a:Agent) | [a.id, a.name, a.persona, a.temperature, a.maxTokens,
    head([(a)-[:SPEAKS_WITH]->(m:Model) | [m.id, m.name, coalesce(m.rehearsal, false),
      [(m)-[:SERVED_BY]->(e:Endpoint) | [e.id, e.name, e.url, e.apiKeyVariable]]]]),
    head([(a)-[:BOUND_TO]->(e:Endpoint) | [e.id, e.name, e.url, e.apiKeyVariable]]),
    coalesce(a.retired, false), a.metadata, head([(a)-[:SITS_ON]->(c:Council) | c.id])]])
]], datetime.realtime('Z').epochMillis - d.startedAt.epochMillis] AS told
UNWIND range(0, size(recorded), 16) AS first
RETURN d.id AS id, CASE WHEN first = 0 THEN told END AS told, [t IN recorded[first..first + 16] | head([turn IN [properties(t)] | [
  turn.id, turn.kind, turn.round, turn.seat, turn.sample, turn.outcome, turn.content, turn.reasoning, turn.absence, turn.finishReason, turn.attempts, turn.promptVersion,
  turn.promptTokens, turn.cachedPromptTokens, turn.completionTokens, turn.calls, turn.latencyMs,
  turn.startedAt.epochSeconds * 1000000 + turn.startedAt.microsecond, turn.finishedAt.epochSeconds * 1000000 + turn.finishedAt.microsecond, turn.sequence,
  head([(t)-[:CRITIQUES]->(p:Turn) | [p.id, p.seat]]),
  head([(t)-[:REVISES]->(p:Turn) | p.id]),
  [(t)-[:ANSWERS]->(p:Turn) | p.id],
  [(t)-[r:RANKS]->(p:Turn) | [r.position, p.id]]
]])] AS turns
