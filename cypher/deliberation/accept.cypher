// Accept: write tasks, deliberations and their seats, each as its council and its agents are in this transaction.
// $orders: rows in order of id, each with
//   id, task: the new ids; council, role: one of them, the other null
//   idempotencyKey, inputDigest, createdBy: null where there is none
//   protocol, rounds, decision: null for what the council has; priority; waiting: its place among those to be claimed
//   deadline: milliseconds from now, or null; tokenBudget: tokens, or null; rehearsal: whether seats that no endpoint but `default` serves go to the rehearsal model
//   description, context, rubric, requirements, externalId, metadata: the task's
// Columns: asked: the id of the order; id, inputDigest, rehearsal: of what was written now or, under the same id or key, before. All are null
// where nothing was written, since the council is not there, serves no role, has no seat or was changed meanwhile.
// Locks nothing that is shared: a council is compared before and after instead. Two of one key meet at the constraint.
UNWIND $orders AS row
OPTIONAL MATCH (same:Deliberation {id: row.id})
OPTIONAL MATCH (earlier:Deliberation {idempotencyKey: row.idempotencyKey})
WITH row, coalesce(same, earlier) AS there
OPTIONAL CALL (row, there) {
  WITH row, there
  WHERE there IS NULL
  CALL (row) {
    MATCH (council:Council {id: row.council})
    USING INDEX SEEK council:Council(id)
    WHERE council.servesRole IS NOT NULL
    RETURN council
    UNION
    MATCH (council:Council {servesRole: row.role})
    RETURN council
  }
  OPTIONAL MATCH (stand_in:Model {name: 'rehearsal'})
  WHERE row.rehearsal
  // All of the council at once, and nothing of it later: between two reads of a property it may be archived or changed.
  WITH row, council, properties(council) AS was, stand_in
  WHERE was.servesRole IS NOT NULL
  MATCH (council)<-[sits:SITS_ON]-(agent:Agent)-[:SPEAKS_WITH]->(model:Model)
  OPTIONAL MATCH (agent)-[:BOUND_TO]->(bound:Endpoint)
  // What serves a model is an endpoint; were that said, the planner might begin with all that have a name.
  WITH row, council, was, sits, agent, model, bound, stand_in,
    stand_in IS NOT NULL
    AND (bound IS NULL OR bound.name = 'default')
    AND NOT EXISTS { MATCH (model)-[:SERVED_BY]->(other) WHERE other.name <> 'default' } AS rehearses
  ORDER BY sits.seat
  WITH row, council, was, collect({
    number: sits.seat, persona: agent.persona, temperature: agent.temperature, maxTokens: agent.maxTokens,
    agent: agent, model: CASE WHEN rehearses THEN stand_in ELSE model END, bound: CASE WHEN NOT rehearses THEN bound END
  }) AS seats
  // Under another name, or the planner would compare what it has read already with itself.
  MATCH (unchanged:Council {id: was.id})
  WHERE properties(unchanged) = was
  WITH row, council, was, seats, datetime.realtime('Z') AS now
  CREATE (task:Task {
    id: row.task, description: row.description, context: row.context, rubric: row.rubric, requirements: row.requirements,
    externalId: row.externalId, metadata: row.metadata
  })
  CREATE (council)-[:HELD]->(deliberation:Deliberation:Queued {
    id: row.id, councilId: was.id, role: was.servesRole, externalId: row.externalId, councilVersion: was.version,
    protocol: coalesce(row.protocol, was.protocol), rounds: coalesce(row.rounds, was.rounds), quorum: was.quorum,
    decision: coalesce(row.decision, was.decision), priority: row.priority, status: 'QUEUED', waiting: row.waiting,
    rehearsal: any(seat IN seats WHERE coalesce(seat.model.rehearsal, false)),
    acceptedAt: now, deadline: CASE WHEN row.deadline IS NOT NULL THEN now + duration({milliseconds: row.deadline}) END,
    tokenBudget: row.tokenBudget, tokensReserved: CASE WHEN row.tokenBudget IS NOT NULL THEN 0 END,
    tokensSettled: CASE WHEN row.tokenBudget IS NOT NULL THEN 0 END,
    createdBy: row.createdBy, idempotencyKey: row.idempotencyKey, inputDigest: row.inputDigest, epoch: 0, sequence: 0, resumptions: 0,
    promptTokens: 0, cachedPromptTokens: 0, completionTokens: 0, calls: 0
  })-[:ABOUT]->(task)
  FOREACH (seat IN seats |
    CREATE (deliberation)-[:SEATS]->(place:Seat {
      number: seat.number, persona: seat.persona, temperature: seat.temperature, maxTokens: seat.maxTokens
    })
    FOREACH (agent IN [seat.agent] | CREATE (place)-[:OF]->(agent))
    FOREACH (model IN [seat.model] | CREATE (place)-[:SPEAKS_WITH]->(model))
    FOREACH (bound IN CASE WHEN seat.bound IS NULL THEN [] ELSE [seat.bound] END | CREATE (place)-[:BOUND_TO]->(bound))
  )
  RETURN deliberation
}
WITH row, coalesce(there, deliberation) AS accepted
RETURN row.id AS asked, accepted.id AS id, accepted.inputDigest AS inputDigest, accepted.rehearsal AS rehearsal
