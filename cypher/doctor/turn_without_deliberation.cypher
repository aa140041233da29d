// A turn belongs to exactly one deliberation.
// parameters: none
// returns: ids (turn), one row a violation
MATCH (t:Turn)
WHERE COUNT { (:Deliberation)-[:HAS_TURN]->(t) } <> 1
RETURN [t.id] AS ids
