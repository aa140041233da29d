// A deliberation has the seats with which it was accepted.
// parameters: none
// returns: ids (deliberation), one row a violation
MATCH (d:Deliberation)
WHERE NOT EXISTS { (d)-[:SEATS]->(:Seat) }
RETURN [d.id] AS ids
