// List all that was recorded.
// Columns: deliberation, id, sequence, kind, round, seat, outcome, content, absence, attempts
MATCH (d:Deliberation)-[:HAS_TURN]->(t:Turn)
RETURN d.id AS deliberation, t.id AS id, t.sequence AS sequence, t.kind AS kind, t.round AS round, t.seat AS seat, t.outcome AS outcome,
  t.content AS content, t.absence AS absence, t.attempts AS attempts
ORDER BY deliberation, sequence, id
