// Delete the deliberations and seats of a long history, before councils and tasks: these would take all their edges into one transaction.
// Column: none
MATCH (n:Deliberation|Seat)
CALL (n) {
  DETACH DELETE n
} IN TRANSACTIONS OF 2000 ROWS
