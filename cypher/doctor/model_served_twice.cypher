// An endpoint serves a model once.
// parameters: none
// returns: ids (model, endpoint), one row a violation
MATCH (m:Model)-[s:SERVED_BY]->(e:Endpoint)
WITH m, e, count(s) AS times
WHERE times > 1
RETURN [m.id, e.id] AS ids
