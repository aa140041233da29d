// Record turns, once each, under the claims that they were taken under.
// $batches: [deliberation, epoch, rows], one a deliberation, in order of deliberation; a row is [id, seat, kind, round, sample, outcome,
//   content, reasoning, absence, finishReason, attempts, promptVersion, promptTokens, cachedPromptTokens, completionTokens, calls,
//   latencyMs, startedAt, finishedAt, target, revises, answers, choices], each id once
// Column: recorded: [id, sequence] of the turns that are there now, written by this or before; of one batch a row. What is missing was fenced.
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
  d.calls = reduce(sum = d.calls, row IN fresh | sum + row[15])
WITH d, known, fresh, base
CALL (d, fresh, base) {
  UNWIND range(0, size(fresh) - 1) AS i
  WITH d, fresh[i] AS row, base + 1 + i AS sequence
  MATCH (d)-[:SEATS]->(seat:Seat {number: row[1]})
  CREATE (d)-[:HAS_TURN]->(t:Turn {
    id: row[0], sequence: sequence, seat: row[1], kind: row[2], round: row[3], sample: row[4], outcome: row[5],
    content: row[6], reasoning: row[7], absence: row[8], finishReason: row[9], attempts: row[10], promptVersion: row[11],
    promptTokens: row[12], cachedPromptTokens: row[13], completionTokens: row[14], calls: row[15], latencyMs: row[16],
    startedAt: row[17], finishedAt: row[18]
  })<-[:TOOK]-(seat)
  FOREACH (_ IN CASE WHEN row[2] = 'PROPOSAL' OR row[2] = 'REVISION' THEN [1] ELSE [] END | SET t:Proposal)
  FOREACH (_ IN CASE WHEN row[2] = 'CRITIQUE' THEN [1] ELSE [] END | SET t:Critique)
  FOREACH (_ IN CASE WHEN row[2] = 'BALLOT' THEN [1] ELSE [] END | SET t:Ballot)
  RETURN collect([t, row]) AS created
}
// Edges between turns, now that all of them are there.
CALL (created) {
  UNWIND created AS pair
  WITH pair[0] AS t, pair[1][19] AS target
  WHERE target IS NOT NULL
  MATCH (proposal:Turn {id: target})
  CREATE (t)-[:CRITIQUES]->(proposal)
}
CALL (created) {
  UNWIND created AS pair
  WITH pair[0] AS t, pair[1][20] AS revises
  WHERE revises IS NOT NULL
  MATCH (proposal:Turn {id: revises})
  CREATE (t)-[:REVISES]->(proposal)
}
CALL (created) {
  UNWIND created AS pair
  UNWIND pair[1][21] AS answered
  WITH pair[0] AS t, answered
  MATCH (critique:Turn {id: answered})
  CREATE (t)-[:ANSWERS]->(critique)
}
CALL (created) {
  UNWIND created AS pair
  WITH pair[0] AS t, pair[1][22] AS choices
  UNWIND range(0, size(choices) - 1) AS i
  MATCH (choice:Turn {id: choices[i]})
  CREATE (t)-[:RANKS {position: i + 1}]->(choice)
}
RETURN known + [pair IN created | [pair[0].id, pair[0].sequence]] AS recorded
