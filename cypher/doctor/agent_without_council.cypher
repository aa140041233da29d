// An agent that is not retired sits on a council.
// parameters: none
// returns: ids (agent), one row a violation
MATCH (a:Agent)
WHERE NOT coalesce(a.retired, false) AND NOT EXISTS { (a)-[:SITS_ON]->(:Council) }
RETURN [a.id] AS ids
