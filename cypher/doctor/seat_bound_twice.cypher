// A seat of a deliberation is bound to one endpoint at most, be that removed or not.
// parameters: none
// returns: ids (deliberation, seat number, endpoints), one row a violation
MATCH (d:Deliberation)-[:SEATS]->(s:Seat)-[:BOUND_TO]->(e)
WITH d, s, collect(e.id) AS endpoints
WHERE size(endpoints) > 1
RETURN [d.id, toString(s.number)] + endpoints AS ids
