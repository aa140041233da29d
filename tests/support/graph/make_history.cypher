// Make a history: deliberations that have ended, 10,000 that wait and 200 that run, over roles that are there with a council each.
// $count: how many in all; $process: who holds those that run
// Column: made
// Of each 500 one failed, the others were decided. All stand on a few tasks: what is measured here goes over deliberations.
MATCH (r:Role)<-[:SERVES]-(c:Council)
WITH r, c
ORDER BY r.name
WITH collect([r.name, c]) AS served
MATCH (task:Task)
WITH served, collect(task) AS tasks
CALL (served, tasks) {
  UNWIND range(1, $count) AS n
  RETURN n, served[n % size(served)] AS serving, tasks[n % size(tasks)] AS task,
    CASE
      WHEN n > $count - 10000 THEN 'QUEUED'
      WHEN n > $count - 10200 THEN 'RUNNING'
      WHEN n % 500 = 0 THEN 'FAILED'
      ELSE 'DECIDED'
    END AS status
}
CALL (n, serving, task, status) {
  WITH n, serving, task, status, serving[1] AS c, datetime('2026-01-01T00:00:00Z') + duration({seconds: n}) AS at
  CREATE (c)-[:HELD]->(d:Deliberation {
    id: 'dlb_0190' + right('0000000' + n, 8), councilId: c.id, role: serving[0], externalId: task.externalId, councilVersion: 1,
    protocol: 'PEER_REVIEW', rounds: 1, quorum: 2, decision: 'BALLOTS', priority: 'NORMAL', status: status, rehearsal: false,
    acceptedAt: at, startedAt: CASE WHEN status <> 'QUEUED' THEN at END,
    finishedAt: CASE WHEN status IN ['FAILED', 'DECIDED'] THEN at END,
    stopReason: CASE status WHEN 'FAILED' THEN 'ERROR' WHEN 'DECIDED' THEN 'COMPLETED' END,
    failure: CASE status WHEN 'FAILED' THEN 'ended' END,
    epoch: CASE status WHEN 'QUEUED' THEN 0 ELSE 1 END, sequence: CASE status WHEN 'QUEUED' THEN 0 ELSE 1 END, resumptions: 0,
    promptTokens: 0, cachedPromptTokens: 0, completionTokens: 0, calls: 0,
    waiting: CASE status WHEN 'QUEUED' THEN 3 END, holder: CASE status WHEN 'RUNNING' THEN $process END
  })-[:ABOUT]->(task)
  FOREACH (_ IN CASE status WHEN 'QUEUED' THEN [1] ELSE [] END | SET d:Queued)
  FOREACH (_ IN CASE status WHEN 'RUNNING' THEN [1] ELSE [] END | SET d:Running)
  FOREACH (_ IN CASE status WHEN 'FAILED' THEN [1] ELSE [] END | SET d:Failed)
  FOREACH (_ IN CASE status WHEN 'DECIDED' THEN [1] ELSE [] END | SET d:Decided)
} IN TRANSACTIONS OF 2000 ROWS
RETURN count(*) AS made
