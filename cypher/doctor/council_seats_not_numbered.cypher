// The seats of a council are numbered from 1, without an empty or a doubled one.
// parameters: none
// returns: ids (council, its agents), one row a violation
MATCH (c:Council)<-[on:SITS_ON]-(a:Agent)
WITH c, collect(a.id) AS agents, count(*) AS seats, count(DISTINCT on.seat) AS numbers, min(on.seat) AS first, max(on.seat) AS last
WHERE numbers <> seats OR first <> 1 OR last <> seats
RETURN [c.id] + agents AS ids
