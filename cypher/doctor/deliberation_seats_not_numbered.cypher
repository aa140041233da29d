// The seats of a deliberation are numbered from 1, without a gap or a double.
// parameters: none
// returns: ids (deliberation), one row a violation
MATCH (d:Deliberation)-[:SEATS]->(s:Seat)
WITH d, count(*) AS seats, count(DISTINCT s.number) AS numbers, min(s.number) AS first, max(s.number) AS last
WHERE numbers <> seats OR first <> 1 OR last <> seats
RETURN [d.id] AS ids
