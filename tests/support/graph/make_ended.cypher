// Make deliberations that were decided long ago, each on a task of its own, with twelve turns of three seats as PEER_REVIEW has them.
// $first, $last: their numbers, by which their ids are in order; $days: how long ago the last of 100,000 ended; $process: who ran them
// $turn: what all turns have alike
// Column: made
MATCH (p:Process {id: $process})
MATCH (r:Role)<-[:SERVES]-(c:Council)<-[on:SITS_ON]-(a:Agent)-[:SPEAKS_WITH]->(m:Model)
WITH p, c, r, on, a, m
ORDER BY r.name, on.seat
WITH p, c, r, collect([a, m]) AS seats
WITH p, collect([c, r.name, seats]) AS served
UNWIND range($first, $last) AS n
CALL (p, served, n) {
  WITH p, n, served[n % size(served)] AS serving, '0190' + right('0000000' + n, 8) AS body,
    datetime.realtime('Z') - duration({days: $days, seconds: 100000 - n}) AS at
  WITH p, serving, serving[0] AS c, body, at
  CREATE (c)-[:HELD]->(d:Deliberation:Decided {
    id: 'dlb_' + body, councilId: c.id, role: serving[1], councilVersion: 1, protocol: 'PEER_REVIEW', rounds: 1, quorum: 2,
    decision: 'BALLOTS', priority: 'NORMAL', status: 'DECIDED', stopReason: 'COMPLETED', rehearsal: false, acceptedAt: at, startedAt: at,
    finishedAt: at, epoch: 1, sequence: 14, resumptions: 0, promptTokens: 12 * $turn.promptTokens,
    cachedPromptTokens: 12 * $turn.cachedPromptTokens, completionTokens: 12 * $turn.completionTokens, calls: 12 * $turn.calls
  })-[:ABOUT]->(:Task {id: 'tsk_' + body, description: 'Say what a cache must forget.', requirements: []})
  CREATE (d)-[:CLAIMED]->(:Claim {id: 'clm_' + body + '-1', sequence: 1, epoch: 1, at: at, resumed: false})-[:BY]->(p)
  CREATE (d)-[:REACHED]->(verdict:Verdict {id: 'vrd_' + body, margin: 0.5, partial: false, decision: 'BALLOTS', decidedAt: at})
  WITH d, verdict, serving[2] AS seats, body
  UNWIND [1, 2, 3] AS s
  WITH d, verdict, body, s, seats[s - 1][0] AS agent, seats[s - 1][1] AS model
  CREATE (d)-[:SEATS]->(seat:Seat {number: s, temperature: 0.5, maxTokens: 512})-[:OF]->(agent)
  CREATE (seat)-[:SPEAKS_WITH]->(model)
  CREATE (d)-[:HAS_TURN]->(proposal:Turn:Proposal)<-[:TOOK]-(seat)
  SET proposal = $turn, proposal += {id: 'trn_' + body + '-p0-s' + s, kind: 'PROPOSAL', round: 0, seat: s, sequence: 1 + s}
  CREATE (d)-[:HAS_TURN]->(critique:Turn:Critique)<-[:TOOK]-(seat)
  SET critique = $turn, critique += {
    id: 'trn_' + body + '-c1-s' + s + '-t' + (s % 3 + 1), kind: 'CRITIQUE', round: 1, seat: s, sequence: 4 + s
  }
  CREATE (d)-[:HAS_TURN]->(revision:Turn:Proposal:Final)<-[:TOOK]-(seat)
  SET revision = $turn, revision += {id: 'trn_' + body + '-r1-s' + s, kind: 'REVISION', round: 1, seat: s, sequence: 7 + s}
  CREATE (d)-[:HAS_TURN]->(ballot:Turn:Ballot)<-[:TOOK]-(seat)
  SET ballot = $turn, ballot += {id: 'trn_' + body + '-b1-s' + s, kind: 'BALLOT', round: 1, seat: s, sequence: 10 + s}
  CREATE (revision)-[:REVISES]->(proposal)
  CREATE (verdict)-[:RANKED {rank: 4 - s, score: 0.5 * (s - 1), votes: s - 1}]->(revision)
  FOREACH (_ IN CASE s WHEN 3 THEN [1] ELSE [] END | CREATE (verdict)-[:CHOSE]->(revision))
  WITH collect([proposal, critique, revision, ballot]) AS took
  UNWIND [0, 1, 2] AS i
  WITH took[i] AS own, took[(i + 1) % 3] AS next, took[(i + 2) % 3] AS previous, took[CASE i WHEN 2 THEN 1 ELSE 2 END] AS best,
    took[CASE i WHEN 0 THEN 1 ELSE 0 END] AS other
  WITH own[1] AS critique, own[2] AS revision, own[3] AS ballot, next[0] AS criticised, previous[1] AS answered,
    best[2] AS best, other[2] AS other
  CREATE (critique)-[:CRITIQUES]->(criticised)
  CREATE (revision)-[:ANSWERS]->(answered)
  CREATE (ballot)-[:RANKS {position: 1}]->(best)
  CREATE (ballot)-[:RANKS {position: 2}]->(other)
} IN TRANSACTIONS OF 200 ROWS
RETURN count(*) AS made
