// A deliberation's quorum is at least 1 and at most the number of its seats.
// parameters: none
// returns: ids (deliberation), one row a violation
MATCH (d:Deliberation)
WITH d, COUNT { (d)-[:SEATS]->(:Seat) } AS seats
WHERE seats > 0 AND NOT 1 <= d.quorum <= seats
RETURN [d.id] AS ids
