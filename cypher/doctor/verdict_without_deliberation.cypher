// A verdict was reached by exactly one deliberation.
// parameters: none
// returns: ids (verdict), one row a violation
MATCH (v:Verdict)
WHERE COUNT { (:Deliberation)-[:REACHED]->(v) } <> 1
RETURN [v.id] AS ids
