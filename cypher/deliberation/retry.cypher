// Retry: write a new deliberation on the task of one that failed or was cancelled, ordered as that was, before its council and agents
// as they are in this transaction.
// $id: the new one's; $of: the one that is retried; $rehearsal: whether seats that no endpoint but `default` serves go to the rehearsal model
// $most: how often one may be retried; $idempotencyKey, $inputDigest, $createdBy: null where there is none
// Columns: id, inputDigest, rehearsal: of what was written now or, under the same id or key, before; id is null where nothing was written. Then:
//   status: of the one retried, null where there is none; retries: how many it has; council: its council; serves: whether that serves a
//   role; seats: how many it has
//   If they are as they should be, the council was changed meanwhile.
// Locks the one that is retried, so that its retries are counted one after the other, and nothing that others share: a council is compared
// before and after instead. Two of one key meet there, or where they are of two deliberations at the constraint.
OPTIONAL MATCH (old:Deliberation {id: $of})
// The write lock, with a constant; everything after it is read under it.
SET old.lock = true
WITH old
OPTIONAL MATCH (same:Deliberation {id: $id})
OPTIONAL MATCH (earlier:Deliberation {idempotencyKey: $idempotencyKey})
WITH coalesce(same, earlier) AS there, old
OPTIONAL CALL (there, old) {
  WITH there, old
  WHERE there IS NULL AND old.status IN ['FAILED', 'CANCELLED'] AND COUNT { (old)<-[:RETRIES]-() } < $most
  MATCH (council:Council {id: old.councilId})
  USING INDEX SEEK council:Council(id)
  WHERE council.servesRole IS NOT NULL
  OPTIONAL MATCH (stand_in:Model {name: 'rehearsal'})
  WHERE $rehearsal
  // All of the council at once, and nothing of it later: between two reads of a property it may be archived or changed.
  WITH old, council, properties(council) AS was, stand_in
  WHERE was.servesRole IS NOT NULL
  MATCH (council)<-[sits:SITS_ON]-(agent:Agent)-[:SPEAKS_WITH]->(model:Model)
  OPTIONAL MATCH (agent)-[:BOUND_TO]->(bound:Endpoint)
  // What serves a model is an endpoint; were that said, the planner might begin with all that have a name.
  WITH old, council, was, sits, agent, model, bound, stand_in,
    stand_in IS NOT NULL
    AND (bound IS NULL OR bound.name = 'default')
    AND NOT EXISTS { MATCH (model)-[:SERVED_BY]->(other) WHERE other.name <> 'default' } AS rehearses
  ORDER BY sits.seat
  WITH old, council, was, collect({
    number: sits.seat, persona: agent.persona, temperature: agent.temperature, maxTokens: agent.maxTokens,
    agent: agent, model: CASE WHEN rehearses THEN stand_in ELSE model END, bound: CASE WHEN NOT rehearses THEN bound END
  }) AS seats
  // Under another name, or the planner would compare what it has read already with itself.
  MATCH (unchanged:Council {id: was.id})
  USING INDEX SEEK unchanged:Council(id)
  WHERE properties(unchanged) = was
  MATCH (old)-[:ABOUT]->(task:Task)
  WITH old, council, was, seats, task, datetime.realtime('Z') AS now
  CREATE (council)-[:HELD]->(deliberation:Deliberation:Queued {
    id: $id, councilId: was.id, role: was.servesRole, externalId: task.externalId, councilVersion: was.version,
    protocol: old.protocol, rounds: old.rounds, quorum: was.quorum, decision: old.decision,
    priority: old.priority, status: 'QUEUED', waiting: CASE old.priority WHEN 'HIGH' THEN 1 WHEN 'NORMAL' THEN 3 ELSE 5 END,
    rehearsal: any(seat IN seats WHERE coalesce(seat.model.rehearsal, false)), acceptedAt: now,
    // As long as the old one had.
    deadline: CASE
      WHEN old.deadline IS NOT NULL THEN now + duration({milliseconds: old.deadline.epochMillis - old.acceptedAt.epochMillis})
    END,
    // Of tokens as many, none of which is spent.
    tokenBudget: old.tokenBudget, tokensReserved: CASE WHEN old.tokenBudget IS NOT NULL THEN 0 END,
    tokensSettled: CASE WHEN old.tokenBudget IS NOT NULL THEN 0 END, createdBy: $createdBy,
    idempotencyKey: $idempotencyKey, inputDigest: $inputDigest, epoch: 0, sequence: 0, resumptions: 0,
    promptTokens: 0, cachedPromptTokens: 0, completionTokens: 0, calls: 0
  })-[:ABOUT]->(task)
  CREATE (deliberation)-[:RETRIES]->(old)
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
OPTIONAL MATCH (holder:Council {id: old.councilId})
WITH coalesce(there, deliberation) AS accepted, old, holder
RETURN accepted.id AS id, accepted.inputDigest AS inputDigest, accepted.rehearsal AS rehearsal, old.status AS status,
  COUNT { (old)<-[:RETRIES]-() } AS retries, holder.id AS council, holder.servesRole IS NOT NULL AS serves,
  COUNT { (holder)<-[:SITS_ON]-(:Agent) } AS seats
