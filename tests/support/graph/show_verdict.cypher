// Show what a deliberation reached.
// $deliberation
// Columns: verdicts: how many; chose, final: ids of turns; ranked: [rank, score, votes, proposal]
MATCH (d:Deliberation {id: $deliberation})
OPTIONAL MATCH (d)-[:REACHED]->(v:Verdict)
RETURN count(DISTINCT v) AS verdicts, [(v)-[:CHOSE]->(p) | p.id] AS chose,
  [(d)-[:HAS_TURN]->(p:Final) | p.id] AS final, [(v)-[r:RANKED]->(p) | [r.rank, r.score, r.votes, p.id]] AS ranked
