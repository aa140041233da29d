// An agent speaks with exactly one model.
// parameters: none
// returns: ids (agent), one row a violation
MATCH (a:Agent)
WHERE COUNT { (a)-[:SPEAKS_WITH]->(:Model) } <> 1
RETURN [a.id] AS ids
