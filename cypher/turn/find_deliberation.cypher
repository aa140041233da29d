// Find the deliberation that a turn belongs to.
// $turn
// Column: deliberation, an id; no row where there is no such turn
MATCH (:Turn {id: $turn})<-[:HAS_TURN]-(d:Deliberation)
RETURN d.id AS deliberation
