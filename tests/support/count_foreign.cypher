// Count what somebody may miss: nodes in a graph that no tests were run on before.
// parameters: none
// returns: count
MATCH (n)
WHERE NOT EXISTS { MATCH (:OfTests) } AND NOT n:Migration AND NOT n:Lock AND NOT n:OfTests
RETURN count(n) AS count
