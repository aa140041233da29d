// List the deliberations that came to another status since a moment.
// $since: the moment, or null for now; $late: by how many milliseconds before it to begin, for what was committed late; $most: by how many
//   milliseconds after it to end, for there may be far too many
// Columns: now: the server's time before it looked; since, until: after and up to when they did; changed: [deliberation, role, councilId,
//   externalId, status, acceptedAt, startedAt, finishedAt] of each, in no order; all times in microseconds since 1970
WITH datetime.realtime('Z') AS now
WITH now, coalesce($since, now) AS last
WITH now, last - duration({milliseconds: $late}) AS since, last + duration({milliseconds: $most}) AS until
CALL (since, until) {
  CALL (since, until) {
    MATCH (d:Deliberation)
    USING INDEX SEEK d:Deliberation(acceptedAt)
    WHERE since < d.acceptedAt <= until
    RETURN d
    UNION
    MATCH (d:Deliberation)
    USING INDEX SEEK d:Deliberation(startedAt)
    WHERE since < d.startedAt <= until
    RETURN d
    UNION
    MATCH (d:Deliberation)
    USING INDEX SEEK d:Deliberation(finishedAt)
    WHERE since < d.finishedAt <= until
    RETURN d
  }
  RETURN collect([
    d.id, d.role, d.councilId, d.externalId, d.status,
    d.acceptedAt.epochSeconds * 1000000 + d.acceptedAt.microsecond,
    d.startedAt.epochSeconds * 1000000 + d.startedAt.microsecond,
    d.finishedAt.epochSeconds * 1000000 + d.finishedAt.microsecond
  ]) AS changed
}
RETURN
  now.epochSeconds * 1000000 + now.microsecond AS now,
  since.epochSeconds * 1000000 + since.microsecond AS since,
  until.epochSeconds * 1000000 + until.microsecond AS until,
  changed
