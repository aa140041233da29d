// A ballot's choices have the positions from 1, each once, and no proposal twice.
// parameters: none
// returns: ids (ballot), one row a violation
MATCH (t:Ballot)-[r:RANKS]->(p)
WITH
  t, count(*) AS choices, count(DISTINCT p) AS proposals, count(DISTINCT r.position) AS positions,
  min(r.position) AS first, max(r.position) AS last
WHERE proposals <> choices OR positions <> choices OR first <> 1 OR last <> choices
RETURN [t.id] AS ids
