// Decide: write the verdict, once, under the claim and over the sequence that it was computed from.
// $deliberation, $epoch, $sequence: the claim, and the sequence of the last event known
// $verdict: its id; $ranking: [proposal, rank, score, votes] of each standing proposal, best first; $margin, $agreement, $partial, $decision
// $stopReason: COMPLETED or what cut it short
// Column: deliberation, one row where the verdict is there now, this very claim's; no row where it is not.
// The SET of `lock` takes the write lock; whatever is compared is read after it.
MATCH (d:Deliberation {id: $deliberation})
SET d.lock = true
WITH d
WHERE d.epoch = $epoch AND (d.status = 'DECIDED' OR (d.status = 'RUNNING' AND d.sequence = $sequence))
// After a lost acknowledgement the same claim asks again: then it is decided and nothing is left to do.
CALL (d) {
  WITH d
  WHERE d.status = 'RUNNING'
  WITH d, datetime.realtime('Z') AS now
  SET d.status = 'DECIDED', d.stopReason = $stopReason, d.finishedAt = now, d.sequence = d.sequence + 1, d.holder = null, d:Decided
  REMOVE d:Running
  CREATE (d)-[:REACHED]->(verdict:Verdict {
    id: $verdict, margin: $margin, agreement: $agreement, partial: $partial, decision: $decision, decidedAt: now
  })
  WITH verdict
  UNWIND $ranking AS place
  MATCH (proposal:Turn {id: place[0]})
  SET proposal:Final
  CREATE (verdict)-[:RANKED {rank: place[1], score: place[2], votes: place[3]}]->(proposal)
  FOREACH (chosen IN CASE WHEN place[1] = 1 THEN [proposal] ELSE [] END | CREATE (verdict)-[:CHOSE]->(chosen))
}
RETURN d.id AS deliberation
