// Read deliberations with their tasks and seats.
// $ids; $brief: whether of their tasks nothing but id and externalId is read
// Columns: deliberation, task and seats of each that is there, in no order, a row each: Neo4j has to have all of a row in its
// memory to send it. All are lists without names and times are microseconds since 1970: the driver reads those ten times as fast.
// deliberation: id, councilId, councilVersion, role, protocol, rounds, quorum, decision, priority, status, stopReason, failure, rehearsal,
//   acceptedAt, startedAt, finishedAt, deadline, tokenBudget, tokensReserved, tokensSettled, prunedAt, createdBy, resumptions, sequence, and
//   the four of usage
// task: id, description, context, rubric, requirements, externalId, metadata
// seats: [number, persona, temperature, maxTokens, model, endpoint, agent]; a model is [id, name, rehearsal, endpoints], an endpoint
//   [id, name, url, apiKeyVariable], an agent, as it is now, [id, name, persona, temperature, maxTokens, model, endpoint, retired,
//   metadata, councilId]
// An endpoint that was removed is still the one that a seat was bound to.
UNWIND $ids AS id
MATCH (d:Deliberation {id: id})-[:ABOUT]->(task:Task)
USING INDEX SEEK d:Deliberation(id)
// All properties together: one by one, Neo4j goes through all of them for each.
WITH d AS node, properties(d) AS d, task
RETURN [
  d.id, d.councilId, d.councilVersion, d.role, d.protocol, d.rounds, d.quorum, d.decision, d.priority, d.status, d.stopReason, d.failure,
  d.rehearsal, d.acceptedAt.epochSeconds * 1000000 + d.acceptedAt.microsecond, d.startedAt.epochSeconds * 1000000 + d.startedAt.microsecond,
  d.finishedAt.epochSeconds * 1000000 + d.finishedAt.microsecond, d.deadline.epochSeconds * 1000000 + d.deadline.microsecond,
  d.tokenBudget, d.tokensReserved, d.tokensSettled, d.prunedAt.epochSeconds * 1000000 + d.prunedAt.microsecond, d.createdBy, d.resumptions, d.sequence,
  d.promptTokens, d.cachedPromptTokens, d.completionTokens, d.calls
] AS deliberation, CASE WHEN $brief THEN [task.id, '', null, null, [], task.externalId, null] ELSE [
  task.id, task.description, task.context, task.rubric, task.requirements, task.externalId, task.metadata
] END AS task, [(node)-[:SEATS]->(place:Seat) | [
  place.number, place.persona, place.temperature, place.maxTokens,
  head([(place)-[:SPEAKS_WITH]->(m:Model) | [m.id, m.name, coalesce(m.rehearsal, false),
    [(m)-[:SERVED_BY]->(e:Endpoint) | [e.id, e.name, e.url, e.apiKeyVariable]]]]),
  head([(place)-[:BOUND_TO]->(e) | [e.id, e.name, e.url, e.apiKeyVariable]]),
  head([(place)-[:OF]->(a:Agent) | [a.id, a.name, a.persona, a.temperature, a.maxTokens,
    head([(a)-[:SPEAKS_WITH]->(m:Model) | [m.id, m.name, coalesce(m.rehearsal, false),
      [(m)-[:SERVED_BY]->(e:Endpoint) | [e.id, e.name, e.url, e.apiKeyVariable]]]]),
    head([(a)-[:BOUND_TO]->(e:Endpoint) | [e.id, e.name, e.url, e.apiKeyVariable]]),
    coalesce(a.retired, false), a.metadata, head([(a)-[:SITS_ON]->(c:Council) | c.id])]])
]] AS seats
