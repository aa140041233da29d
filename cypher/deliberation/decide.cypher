// Decide: write verdicts, each once, under its claim and over the sequence that it was computed from.
// $verdicts: rows in order of deliberation, each with deliberation, epoch, sequence (the claim, and the sequence of the last event known),
//   verdict (its id), ranking ([proposal, rank, score, votes] of each standing proposal, best first), margin, agreement, partial, decision,
//   stopReason (COMPLETED or what cut it short)
// Columns: deliberation, epoch, sequence of each row whose verdict is there now, this very claim's; no row where it is not.
// The SET of `lock` takes the write locks, in order of deliberation; whatever is compared is read after it.
UNWIND $verdicts AS row
MATCH (d:Deliberation {id: row.deliberation})
SET d.lock = true
WITH d, row
WHERE d.epoch = row.epoch AND (d.status = 'DECIDED' OR (d.status = 'RUNNING' AND d.sequence = row.sequence))
// After a lost acknowledgement the same claim asks again: then it is decided and nothing is left to do.
CALL (d, row) {
  WITH d, row
  WHERE d.status = 'RUNNING'
  WITH d, row, datetime.realtime('Z') AS now
  SET d.status = 'DECIDED', d.stopReason = row.stopReason, d.finishedAt = now, d.sequence = d.sequence + 1, d.holder = null,
    // Its process may have given it back between the asking and now.
    d.waiting = null, d:Decided
  REMOVE d:Running
  CREATE (d)-[:REACHED]->(verdict:Verdict {
    id: row.verdict, margin: row.margin, agreement: row.agreement, partial: row.partial, decision: row.decision, decidedAt: now
  })
  WITH verdict, row
  UNWIND row.ranking AS place
  MATCH (proposal:Turn {id: place[0]})
  SET proposal:Final
  CREATE (verdict)-[:RANKED {rank: place[1], score: place[2], votes: place[3]}]->(proposal)
  FOREACH (chosen IN CASE WHEN place[1] = 1 THEN [proposal] ELSE [] END | CREATE (verdict)-[:CHOSE]->(chosen))
}
RETURN d.id AS deliberation, row.epoch AS epoch, row.sequence AS sequence
