// List what is recorded by now.
// Columns: ended: ids of the deliberations that have ended; turns: ids of all turns
CALL () {
  MATCH (d:Deliberation)
  WHERE d.status IN ['DECIDED', 'FAILED', 'CANCELLED']
  RETURN collect(d.id) AS ended
}
CALL () {
  MATCH (t:Turn)
  RETURN collect(t.id) AS turns
}
RETURN ended, turns
