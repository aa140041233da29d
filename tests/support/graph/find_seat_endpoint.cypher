// Find what the seat of a deliberation is bound to, whatever became of it.
// $id
// returns: name, labels
MATCH (:Deliberation {id: $id})-[:SEATS]->(:Seat)-[:BOUND_TO]->(e)
RETURN e.name AS name, labels(e) AS labels
