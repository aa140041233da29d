// Remove a deliberation that has ended, with all that is its own, and its task where nothing else needs that.
// $deliberation; $before: it must have ended before that
// Columns: turns, seats, claims, verdicts, tasks: how many nodes went with it. One row where it went; no row where it is not there, or
// has not ended, or not so long ago.
// Each SET of `lock` takes a write lock, first the deliberation's and then its task's; whatever is compared is read after it. Of two that
// remove the last deliberations on one task, the second so sees that nothing else needs it any more.
MATCH (d:Deliberation {id: $deliberation})
SET d.lock = true
WITH d
WHERE d.status IN ['DECIDED', 'FAILED', 'CANCELLED'] AND d.finishedAt < $before
MATCH (d)-[:ABOUT]->(task:Task)
SET task.lock = true
WITH d, task,
  COLLECT { MATCH (d)-[:HAS_TURN]->(turn:Turn) RETURN turn } AS turns,
  COLLECT { MATCH (d)-[:SEATS]->(seat:Seat) RETURN seat } AS seats,
  COLLECT { MATCH (d)-[:CLAIMED]->(claim:Claim) RETURN claim } AS claims,
  COLLECT { MATCH (d)-[:REACHED]->(verdict:Verdict) RETURN verdict } AS verdicts
// What else has to do with a task, whatever it is, needs it.
WITH d, turns, seats, claims, verdicts, CASE WHEN COUNT { (task)--() } = 1 THEN [task] ELSE [] END AS tasks
FOREACH (node IN turns + seats + claims + verdicts + tasks + [d] | DETACH DELETE node)
RETURN size(turns) AS turns, size(seats) AS seats, size(claims) AS claims, size(verdicts) AS verdicts, size(tasks) AS tasks
