// An agent that named no model speaks with the default one.
// parameters: none
// returns: ids (agent, model), one row a violation
MATCH (a:Agent)-[:SPEAKS_WITH {default: true}]->(m:Model)
WHERE NOT coalesce(m.isDefault, false)
RETURN [a.id, m.id] AS ids
