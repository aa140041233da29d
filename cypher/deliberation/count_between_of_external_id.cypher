// Count deliberations on tasks that the caller calls by one name, of each of some councils, or of all, along their index.
// $externalId; $councils: [null] means all; $also: what they have to be too, each null or given: statuses, role, acceptedSince,
//   acceptedBefore
// $above, $below: ids between which to look
// Column: totals: [council, total] of each, in one row
UNWIND $councils AS council
CALL (council) {
  MATCH (d:Deliberation)
  USING INDEX SEEK d:Deliberation(externalId, id)
  WHERE d.externalId = $externalId AND d.id > $above AND d.id < $below
    AND ($also.statuses IS NULL OR d.status IN $also.statuses)
    AND ($also.role IS NULL OR d.role = $also.role)
    AND (council IS NULL OR d.councilId = council)
    AND ($also.acceptedSince IS NULL OR d.acceptedAt >= $also.acceptedSince)
    AND ($also.acceptedBefore IS NULL OR d.acceptedAt < $also.acceptedBefore)
  RETURN count(*) AS total
}
RETURN collect([council, total]) AS totals
