// Lock an agent, after its council.
// $id
// returns: persona, temperature, maxTokens, metadata, model (a name; null where it is the default), endpoint (a name or null), retired,
//   council (an id or null)
MATCH (a:Agent {id: $id})
// The write lock, with a constant; everything after it is read under it.
SET a.lock = true
WITH a
MATCH (a)-[speaks:SPEAKS_WITH]->(m:Model)
OPTIONAL MATCH (a)-[:BOUND_TO]->(e:Endpoint)
OPTIONAL MATCH (a)-[:SITS_ON]->(c:Council)
RETURN
  a.persona AS persona, a.temperature AS temperature, a.maxTokens AS maxTokens, a.metadata AS metadata,
  CASE WHEN speaks.default THEN null ELSE m.name END AS model, e.name AS endpoint, coalesce(a.retired, false) AS retired, c.id AS council
