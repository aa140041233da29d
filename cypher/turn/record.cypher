// Record turns, once each, under the claims that they were taken under, and the verdicts that follow from them.
// $batches: [deliberation, epoch, rows, conclusion], one a deliberation, in order of deliberation; a row is [id, seat, kind, round, sample,
//   outcome, content, reasoning, absence, finishReason, attempts, promptVersion, promptTokens, cachedPromptTokens, completionTokens, calls,
//   latencyMs, startedAt, finishedAt, target, revises, answers, choices, settles, after], each id once; times in microseconds
//   since 1970, since the driver takes 50 of them itself for each of its own datetimes; settles: how many of the tokens that were reserved
//   for the turn its usage stands for; after: the sequence once all that was said before it is there; conclusion is null where nothing follows yet, else it has sequence (of the last event that it was
//   computed from, these rows included), taken (ids of turns that it counts on although nobody had seen them recorded), verdict (its id),
//   ranking ([proposal, rank, score, votes] of each standing proposal, best first), margin, agreement, partial, decision, stopReason
//   (COMPLETED or what cut it short)
// Columns: recorded: a list a deliberation of [id, sequence] of the turns that are there now, written by this or before; what is missing
//   was fenced. decided: [deliberation, epoch] of each conclusion that is there now, this very claim's.
// The SET of `lock` takes the write locks, in the order of the batches; epoch, status and turns are read after it.
UNWIND $batches AS batch
MATCH (d:Deliberation {id: batch[0]})
SET d.lock = true
WITH d, batch
WHERE d.epoch = batch[1]
WITH d, batch[2] AS rows, batch[3] AS end
CALL (rows) {
  UNWIND rows AS row
  OPTIONAL MATCH (there:Turn {id: row[0]})
  RETURN collect(CASE WHEN there IS NULL THEN row END) AS missing,
    collect(CASE WHEN there IS NOT NULL THEN [there.id, there.sequence] END) AS known
}
// Nothing is added to what has ended, nor to a copy of the graph in which something is not there that was recorded before.
WITH d, end, known, CASE WHEN d.status = 'RUNNING' AND d.sequence >= missing[0][24] THEN missing ELSE [] END AS fresh, d.sequence AS base
SET d.sequence = base + size(fresh),
  d.promptTokens = reduce(sum = d.promptTokens, row IN fresh | sum + row[12]),
  d.cachedPromptTokens = reduce(sum = d.cachedPromptTokens, row IN fresh | sum + row[13]),
  d.completionTokens = reduce(sum = d.completionTokens, row IN fresh | sum + row[14]),
  d.calls = reduce(sum = d.calls, row IN fresh | sum + row[15]),
  // Null, and nothing is set, where there is no budget.
  d.tokensSettled = reduce(sum = d.tokensSettled, row IN fresh | sum + row[23])
WITH d, end, known, fresh, base
CALL (d, fresh, base) {
  UNWIND range(0, size(fresh) - 1) AS i
  WITH d, fresh[i] AS row, base + 1 + i AS sequence
  MATCH (d)-[:SEATS]->(seat:Seat {number: row[1]})
  CREATE (d)-[:HAS_TURN]->(t:Turn {
    id: row[0], sequence: sequence, seat: row[1], kind: row[2], round: row[3], sample: row[4], outcome: row[5],
    content: row[6], reasoning: row[7], absence: row[8], finishReason: row[9], attempts: row[10], promptVersion: row[11],
    promptTokens: row[12], cachedPromptTokens: row[13], completionTokens: row[14], calls: row[15], latencyMs: row[16],
    startedAt: datetime({epochSeconds: row[17] / 1000000, microsecond: row[17] % 1000000, timezone: 'Z'}),
    finishedAt: datetime({epochSeconds: row[18] / 1000000, microsecond: row[18] % 1000000, timezone: 'Z'})
  })<-[:TOOK]-(seat)
  FOREACH (_ IN CASE WHEN row[2] = 'PROPOSAL' OR row[2] = 'REVISION' THEN [1] ELSE [] END | SET t:Proposal)
  FOREACH (_ IN CASE WHEN row[2] = 'CRITIQUE' THEN [1] ELSE [] END | SET t:Critique)
  FOREACH (_ IN CASE WHEN row[2] = 'BALLOT' THEN [1] ELSE [] END | SET t:Ballot)
  RETURN collect([t, row, sequence]) AS created
}
// Edges between turns, now that all of them are there.
CALL (created) {
  UNWIND created AS turn
  WITH turn[0] AS t, turn[1][19] AS target
  WHERE target IS NOT NULL
  MATCH (proposal:Turn {id: target})
  CREATE (t)-[:CRITIQUES]->(proposal)
}
CALL (created) {
  UNWIND created AS turn
  WITH turn[0] AS t, turn[1][20] AS revises
  WHERE revises IS NOT NULL
  MATCH (proposal:Turn {id: revises})
  CREATE (t)-[:REVISES]->(proposal)
}
CALL (created) {
  UNWIND created AS turn
  UNWIND turn[1][21] AS answered
  WITH turn[0] AS t, answered
  MATCH (critique:Turn {id: answered})
  CREATE (t)-[:ANSWERS]->(critique)
}
CALL (created) {
  UNWIND created AS turn
  WITH turn[0] AS t, turn[1][22] AS choices
  UNWIND range(0, size(choices) - 1) AS i
  MATCH (choice:Turn {id: choices[i]})
  CREATE (t)-[:RANKS {position: i + 1}]->(choice)
}
// After a lost acknowledgement the same claim asks again: then it is decided and nothing is left to do.
CALL (d, end) {
  WITH d, end
  WHERE d.status = 'RUNNING' AND d.sequence = end.sequence
    // What could not be recorded as it was said was recorded as absent.
    AND all(id IN end.taken WHERE EXISTS { MATCH (:Turn {id: id, outcome: 'TAKEN'}) })
  WITH d, end, datetime.realtime('Z') AS now
  SET d.status = 'DECIDED', d.stopReason = end.stopReason, d.finishedAt = now, d.sequence = d.sequence + 1, d.holder = null,
    // Its process may have given it back between the asking and now.
    d.waiting = null, d:Decided
  REMOVE d:Running
  CREATE (d)-[:REACHED]->(verdict:Verdict {
    id: end.verdict, margin: end.margin, agreement: end.agreement, partial: end.partial, decision: end.decision, decidedAt: now
  })
  WITH verdict, end
  UNWIND end.ranking AS place
  MATCH (proposal:Turn {id: place[0]})
  SET proposal:Final
  CREATE (verdict)-[:RANKED {rank: place[1], score: place[2], votes: place[3]}]->(proposal)
  FOREACH (chosen IN CASE WHEN place[1] = 1 THEN [proposal] ELSE [] END | CREATE (verdict)-[:CHOSE]->(chosen))
}
RETURN collect(known + [turn IN created | [turn[1][0], turn[2]]]) AS recorded,
  collect(CASE WHEN end IS NOT NULL AND d.status = 'DECIDED' THEN [d.id, d.epoch] END) AS decided
