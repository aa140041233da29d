// List what drew from the sequence of a deliberation.
// $deliberation
// Columns: sequences, in order; last: that of the deliberation itself
MATCH (d:Deliberation {id: $deliberation})
CALL (d) {
  MATCH (d)-[:HAS_TURN|CLAIMED]->(event)
  RETURN event.sequence AS sequence
  ORDER BY sequence
}
RETURN collect(sequence) AS sequences, d.sequence AS last
