// List the councils that were made, changed, archived or restored since a moment.
// $since: the moment, or null for now; $late: by how many milliseconds before it to begin, for what was committed late
// Columns: at: microseconds since 1970, the server's time before it looked; changed: [council, version, updatedAt] of each, in no order;
//   times in microseconds since 1970
WITH datetime.realtime('Z') AS now
WITH now, coalesce($since, now) - duration({milliseconds: $late}) AS since
CALL (since) {
  MATCH (c:Council)
  USING INDEX SEEK c:Council(updatedAt)
  WHERE c.updatedAt > since
  RETURN collect([c.id, c.version, c.updatedAt.epochSeconds * 1000000 + c.updatedAt.microsecond]) AS changed
}
RETURN now.epochSeconds * 1000000 + now.microsecond AS at, changed
