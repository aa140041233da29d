// Count what has ended, from the count store.
// parameters: none
// returns: decided, failed
CALL () {
  MATCH (d:Decided)
  RETURN count(d) AS decided
}
CALL () {
  MATCH (f:Failed)
  RETURN count(f) AS failed
}
RETURN decided, failed
