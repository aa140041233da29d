// A deliberation counts the claims that resumed it.
// parameters: none
// returns: ids (deliberation), one row a violation
MATCH (d:Deliberation)
WHERE d.resumptions <> COUNT { (d)-[:CLAIMED]->(:Claim {resumed: true}) }
RETURN [d.id] AS ids
