// A deliberation's ballot that was cast has choices, which have the positions from 1, each once, and no proposal twice; any other has none.
// parameters: none
// returns: ids (ballot), one row a violation
MATCH (t:Ballot)
WHERE EXISTS { (:Deliberation)-[:HAS_TURN]->(t) }
OPTIONAL MATCH (t)-[r:RANKS]->(p)
WITH
  t, count(r) AS choices, count(DISTINCT p) AS proposals, count(DISTINCT r.position) AS positions,
  min(r.position) AS first, max(r.position) AS last
WHERE (t.outcome = 'TAKEN') <> (choices > 0) OR proposals <> choices OR positions <> choices OR first <> 1 OR last <> choices
RETURN [t.id] AS ids
