// Give deliberations of five seats, which have none, the twenty turns of PEER_REVIEW and a verdict.
// $ids; $turn: what all turns have alike
// returns: nothing
UNWIND $ids AS id
MATCH (d:Deliberation {id: id})
WITH d, substring(id, 4) AS body
CREATE (d)-[:REACHED]->(verdict:Verdict {
  id: 'vrd_' + body, margin: 0.25, partial: false, decision: 'BALLOTS', decidedAt: datetime.realtime('Z')
})
WITH d, verdict, body
UNWIND range(1, 5) AS s
MATCH (d)-[:SEATS]->(seat:Seat {number: s})
CREATE (d)-[:HAS_TURN]->(proposal:Turn:Proposal)<-[:TOOK]-(seat)
SET proposal = $turn, proposal += {id: 'trn_' + body + '-p0-s' + s, kind: 'PROPOSAL', round: 0, seat: s, sequence: 1 + s}
CREATE (d)-[:HAS_TURN]->(critique:Turn:Critique)<-[:TOOK]-(seat)
SET critique = $turn, critique += {
  id: 'trn_' + body + '-c1-s' + s + '-t' + (s % 5 + 1), kind: 'CRITIQUE', round: 1, seat: s, sequence: 6 + s
}
CREATE (d)-[:HAS_TURN]->(revision:Turn:Proposal:Final)<-[:TOOK]-(seat)
SET revision = $turn, revision += {id: 'trn_' + body + '-r1-s' + s, kind: 'REVISION', round: 1, seat: s, sequence: 11 + s}
CREATE (d)-[:HAS_TURN]->(ballot:Turn:Ballot)<-[:TOOK]-(seat)
SET ballot = $turn, ballot += {id: 'trn_' + body + '-b1-s' + s, kind: 'BALLOT', round: 1, seat: s, sequence: 16 + s}
CREATE (revision)-[:REVISES]->(proposal)
CREATE (verdict)-[:RANKED {rank: 6 - s, score: 0.25 * (s - 1), votes: CASE s WHEN 5 THEN 4 WHEN 4 THEN 1 ELSE 0 END}]->(revision)
FOREACH (_ IN CASE s WHEN 5 THEN [1] ELSE [] END | CREATE (verdict)-[:CHOSE]->(revision))
WITH d, collect([proposal, critique, revision, ballot]) AS took
UNWIND range(0, 4) AS i
WITH took, took[i][1] AS critique, took[i][2] AS revision, took[i][3] AS ballot, took[(i + 1) % 5][0] AS criticised,
  took[(i + 4) % 5][1] AS answered, [other IN [4, 3, 2, 1, 0] WHERE other <> i] AS best
CREATE (critique)-[:CRITIQUES]->(criticised)
CREATE (revision)-[:ANSWERS]->(answered)
WITH took, ballot, best
UNWIND range(0, 3) AS place
WITH ballot, place, took[best[place]][2] AS choice
CREATE (ballot)-[:RANKS {position: place + 1}]->(choice)
