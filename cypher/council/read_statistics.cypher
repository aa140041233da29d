// Count what came of the deliberations that councils accepted in some time.
// $periods: rows, each with council; above, below: ids between which to look; since, until: null or the bounds of when (until is not in it)
// Column: statistics: [accepted, decided, failed, cancelled, mean, p95, promptTokens, cachedPromptTokens, completionTokens, calls] of each
//   row, in their order, in one row; mean and p95: milliseconds from acceptance to verdict of those decided, null where there is none
UNWIND $periods AS period
CALL (period) {
  MATCH (d:Deliberation)
  USING INDEX SEEK d:Deliberation(councilId, id)
  WHERE d.councilId = period.council AND d.id > period.above AND d.id < period.below
    AND (period.since IS NULL OR d.acceptedAt >= period.since)
    AND (period.until IS NULL OR d.acceptedAt < period.until)
  WITH d, d.status AS status
  WITH d, status, CASE WHEN status = 'DECIDED' THEN d.finishedAt.epochMillis - d.acceptedAt.epochMillis END AS took
  RETURN [
    count(*),
    count(CASE WHEN status = 'DECIDED' THEN 1 END),
    count(CASE WHEN status = 'FAILED' THEN 1 END),
    count(CASE WHEN status = 'CANCELLED' THEN 1 END),
    avg(took),
    toFloat(percentileDisc(took, 0.95)),
    sum(d.promptTokens),
    sum(d.cachedPromptTokens),
    sum(d.completionTokens),
    sum(d.calls)
  ] AS counted
}
RETURN collect(counted) AS statistics
