// List the deliberations that came to another status since a moment.
// $since: the moment, or null for now; $late: by how many milliseconds before it to begin, for what was committed late
// Columns: at: the server's time before it looked; since: after when they did; changed: [deliberation, role, councilId, externalId, status,
//   acceptedAt, startedAt, finishedAt] of each, in no order; all times in microseconds since 1970
WITH datetime.realtime('Z') AS now
WITH now, coalesce($since, now) - duration({milliseconds: $late}) AS since
CALL (since) {
  CALL (since) {
    MATCH (d:Deliberation)
    USING INDEX SEEK d:Deliberation(acceptedAt)
    WHERE d.acceptedAt > since
    RETURN d
    UNION
    MATCH (d:Deliberation)
    USING INDEX SEEK d:Deliberation(startedAt)
    WHERE d.startedAt > since
    RETURN d
    UNION
    MATCH (d:Deliberation)
    USING INDEX SEEK d:Deliberation(finishedAt)
    WHERE d.finishedAt > since
    RETURN d
  }
  RETURN collect([
    d.id, d.role, d.councilId, d.externalId, d.status,
    d.acceptedAt.epochSeconds * 1000000 + d.acceptedAt.microsecond,
    d.startedAt.epochSeconds * 1000000 + d.startedAt.microsecond,
    d.finishedAt.epochSeconds * 1000000 + d.finishedAt.microsecond
  ]) AS changed
}
RETURN now.epochSeconds * 1000000 + now.microsecond AS at, since.epochSeconds * 1000000 + since.microsecond AS since, changed
