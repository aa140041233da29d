// Count agents, retired ones included.
// parameters: none
// returns: total
MATCH (a:Agent)
RETURN count(a) AS total
