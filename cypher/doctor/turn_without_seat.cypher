// A turn was taken by exactly one seat, which has its number and its deliberation.
// parameters: none
// returns: ids (turn), one row a violation
MATCH (d:Deliberation)-[:HAS_TURN]->(t:Turn)
WHERE COUNT { (:Seat)-[:TOOK]->(t) } <> 1 OR NOT EXISTS { (d)-[:SEATS]->(:Seat {number: t.seat})-[:TOOK]->(t) }
RETURN [t.id] AS ids
