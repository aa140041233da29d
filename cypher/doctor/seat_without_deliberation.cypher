// A seat of the past belongs to exactly one deliberation.
// parameters: none
// returns: ids (seat), one row a violation
MATCH (s:Seat)
WHERE COUNT { (:Deliberation)-[:SEATS]->(s) } <> 1
RETURN [elementId(s)] AS ids
