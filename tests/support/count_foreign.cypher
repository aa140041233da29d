// Count what somebody may miss, unless tests were run on the graph before.
// parameters: none
// returns: count
MATCH (n)
WHERE NOT n:Migration AND NOT n:Lock
RETURN count(n) AS count
