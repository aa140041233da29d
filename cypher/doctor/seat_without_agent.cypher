// A seat of a deliberation is that of exactly one agent, who speaks with exactly one model.
// parameters: none
// returns: ids (deliberation, seat number), one row a violation
MATCH (d:Deliberation)-[:SEATS]->(s:Seat)
WHERE COUNT { (s)-[:OF]->(:Agent) } <> 1 OR COUNT { (s)-[:SPEAKS_WITH]->(:Model) } <> 1
RETURN [d.id, toString(s.number)] AS ids
