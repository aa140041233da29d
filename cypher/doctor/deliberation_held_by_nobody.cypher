// Whoever holds a deliberation is a process.
// parameters: none
// returns: ids (deliberation, holder), one row a violation
MATCH (d:Deliberation)
WHERE d.holder IS NOT NULL AND NOT EXISTS { (:Process {id: d.holder}) }
RETURN [d.id, d.holder] AS ids
