// Record turns, once each, under the claims that they were taken under.
// $batches: [deliberation, epoch, rows], one a deliberation, in order of deliberation; a row is [id, seat, kind, round, sample, outcome,
//   content, reasoning, absence, finishReason, attempts, promptVersion, promptTokens, cachedPromptTokens, completionTokens, calls,
//   latencyMs, startedAt, finishedAt, target, revises, answers, choices, settles], each id once; times in microseconds
//   since 1970, since the driver takes 50 of them itself for each of its own datetimes; settles: how many of the tokens that were reserved
//   for the turn its usage stands for
// Column: recorded: [id, sequence] of the turns that are there now, written by this or before. What is missing was fenced.
// The SET of `lock` takes the write locks, in the order of the batches; epoch, status and turns are read after it.
UNWIND $batches AS batch
MATCH (d:Deliberation {id: batch[0]})
SET d.lock = true
WITH d, batch
WHERE d.epoch = batch[1]
CALL (d, batch) {
  UNWIND batch[2] AS row
  OPTIONAL MATCH (there:Turn {id: row[0]})
  RETURN collect(CASE WHEN there IS NULL THEN row END) AS missing,
    collect(CASE WHEN there IS NOT NULL THEN [there.id, there.sequence] END) AS known
}
// Nothing is added to what has ended.
WITH d, known, CASE WHEN d.status = 'RUNNING' THEN missing ELSE [] END AS fresh, d.sequence AS base
SET d.sequence = base + size(fresh),
  d.promptTokens = reduce(sum = d.promptTokens, row IN fresh | sum + row[12]),
  d.cachedPromptTokens = reduce(sum = d.cachedPromptTokens, row IN fresh | sum + row[13]),
  d.completionTokens = reduce(sum = d.completionTokens, row IN fresh | sum + row[14]),
  d.calls = reduce(sum = d.calls, row IN fresh | sum + row[15]),
  // Null, and nothing is set, where there is no budget.
  d.tokensSettled = reduce(sum = d.tokensSettled, row IN fresh | sum + row[23])
WITH d, known, fresh, base
CALL (d, fresh, base) {
  UNWIND range(0, size(fresh) - 1) AS i
  WITH d, fresh[i] AS row, base + 1 + i AS sequence
  MATCH (d)-[:SEATS]->(seat:Seat {number: row[1]})
  CREATE (d)-[:HAS_TURN]->(t:Turn {
    id: row[0], sequence: sequence, seat: row[1], kind: row[2], round: row[3], sample: row[4], outcome: row[5],
    content: row[6], reasoning: row[7], absence: row[8], finishReason: row[9], attempts: row[10], promptVersion: row[11],
    promptTokens: row[12], cachedPromptTokens: row[13], completionTokens: row[14], calls: row[15], latencyMs: row[16],
    startedAt: datetime({epochSeconds: row[17] / 1000000, microsecond: row[17] % 1000000}),
    finishedAt: datetime({epochSeconds: row[18] / 1000000, microsecond: row[18] % 1000000})
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
WITH known + [turn IN created | [turn[1][0], turn[2]]] AS there
UNWIND there AS turn
RETURN collect(turn) AS recorded
