// Empty the graph of the tests. The marks of migrations stay, as constraints and indexes do: they are applied once a session.
// parameters: none
// returns: nothing
MATCH (n)
WHERE NOT n:Migration AND NOT n:Lock
CALL (n) {
  DETACH DELETE n
} IN TRANSACTIONS OF 1000 ROWS
