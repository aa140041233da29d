// Count deliberations by status, from the count store: each status is a label too.
// Columns: queued, running, decided, failed, cancelled
CALL () {
  MATCH (d:Queued)
  RETURN count(d) AS queued
}
CALL () {
  MATCH (d:Running)
  RETURN count(d) AS running
}
CALL () {
  MATCH (d:Decided)
  RETURN count(d) AS decided
}
CALL () {
  MATCH (d:Failed)
  RETURN count(d) AS failed
}
CALL () {
  MATCH (d:Cancelled)
  RETURN count(d) AS cancelled
}
RETURN queued, running, decided, failed, cancelled
