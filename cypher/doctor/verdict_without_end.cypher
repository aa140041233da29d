// A decided deliberation has one verdict, and every other none.
// parameters: none
// returns: ids (deliberation), one row a violation
MATCH (d:Deliberation)
WHERE COUNT { (d)-[:REACHED]->(:Verdict) } <> CASE d.status WHEN 'DECIDED' THEN 1 ELSE 0 END
RETURN [d.id] AS ids
