// Say whether the deadline of a deliberation has passed, by the graph's clock.
// $id: of the deliberation
// Column: passed
MATCH (d:Deliberation {id: $id})
RETURN d.deadline < datetime.realtime() AS passed
