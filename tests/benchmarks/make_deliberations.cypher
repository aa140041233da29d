// Make deliberations that ended, each on a task of its own, of councils by turns; of ten nine were decided, the others cancelled.
// $first, $last: their numbers, by which their ids are in order
// returns: nothing
MATCH (r:Role)<-[:SERVES]-(c:Council)<-[on:SITS_ON]-(a:Agent)-[:SPEAKS_WITH]->(m:Model)
WITH c, r, on, a, m
ORDER BY c.id, on.seat
WITH c, r, collect([a, m, on.seat]) AS seats
WITH collect([c, r.name, seats]) AS served
UNWIND range($first, $last) AS n
CALL (served, n) {
  WITH served[n % size(served)] AS serving, '0190' + right('0000000' + n, 8) AS body, n % 10 > 0 AS decided,
    datetime.realtime('Z') - duration({seconds: 100000 - n}) AS at
  WITH serving[0] AS c, serving[1] AS role, serving[2] AS seats, body, decided, at
  CREATE (c)-[:HELD]->(d:Deliberation:$(CASE WHEN decided THEN 'Decided' ELSE 'Cancelled' END) {
    id: 'dlb_' + body, councilId: c.id, role: role, councilVersion: 1, protocol: 'PEER_REVIEW', rounds: 1, quorum: 3,
    decision: 'BALLOTS', priority: 'NORMAL', status: CASE WHEN decided THEN 'DECIDED' ELSE 'CANCELLED' END,
    stopReason: CASE WHEN decided THEN 'COMPLETED' ELSE 'CANCELLED' END, rehearsal: false, acceptedAt: at, startedAt: at, finishedAt: at,
    epoch: 1, sequence: 22, resumptions: 0, promptTokens: 2000, cachedPromptTokens: 1200, completionTokens: 400, calls: 20
  })-[:ABOUT]->(:Task {id: 'tsk_' + body, description: 'Say what the cache number ' + body + ' must forget, and when.', requirements: []})
  WITH d, seats
  UNWIND seats AS seat
  WITH d, seat[0] AS agent, seat[1] AS model, seat[2] AS number
  CREATE (d)-[:SEATS]->(place:Seat {number: number, temperature: agent.temperature, maxTokens: 512, persona: agent.persona})-[:OF]->(agent)
  CREATE (place)-[:SPEAKS_WITH]->(model)
} IN TRANSACTIONS OF 500 ROWS
