// Find the deliberation that reached a verdict.
// $verdict
// Column: deliberation, an id; no row where there is no such verdict
MATCH (:Verdict {id: $verdict})<-[:REACHED]-(d:Deliberation)
RETURN d.id AS deliberation
