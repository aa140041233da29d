// A deliberation is about exactly one task.
// parameters: none
// returns: ids (deliberation), one row a violation
MATCH (d:Deliberation)
WHERE COUNT { (d)-[:ABOUT]->(:Task) } <> 1
RETURN [d.id] AS ids
