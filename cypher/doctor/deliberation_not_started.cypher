// A deliberation has the time of its start once, and only once, a process has claimed it.
// parameters: none
// returns: ids (deliberation), one row a violation
MATCH (d:Deliberation)
WHERE (d.startedAt IS NOT NULL) <> EXISTS { (d)-[:CLAIMED]->(:Claim) }
RETURN [d.id] AS ids
