// Find with which model the seat of a deliberation speaks.
// $id
// returns: name
MATCH (:Deliberation {id: $id})-[:SEATS]->(:Seat)-[:SPEAKS_WITH]->(m:Model)
RETURN m.name AS name
