// No endpoint serves a rehearsal model: each process answers for it itself.
// parameters: none
// returns: ids (model, endpoint), one row a violation
MATCH (m:Model {rehearsal: true})-[:SERVED_BY]->(e:Endpoint)
RETURN [m.id, e.id] AS ids
