// A task has to do with something.
// parameters: none
// returns: ids (task), one row a violation
MATCH (t:Task)
WHERE NOT EXISTS { (t)--() }
RETURN [t.id] AS ids
