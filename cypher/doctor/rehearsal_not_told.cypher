// A deliberation says that it is a rehearsal where, and only where, a seat speaks with a rehearsal model.
// parameters: none
// returns: ids (deliberation), one row a violation
MATCH (d:Deliberation)
WHERE d.rehearsal <> EXISTS { (d)-[:SEATS]->(:Seat)-[:SPEAKS_WITH]->(:Model {rehearsal: true}) }
RETURN [d.id] AS ids
