// A council's quorum is at least 1 and at most the number of its seats.
// parameters: none
// returns: ids (council), one row a violation
MATCH (c:Council)
WITH c, COUNT { (:Agent)-[:SITS_ON]->(c) } AS seats
WHERE seats > 0 AND NOT 1 <= c.quorum <= seats
RETURN [c.id] AS ids
