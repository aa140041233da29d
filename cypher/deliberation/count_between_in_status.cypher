// Count deliberations in any of some statuses, of each of some councils, or of all, along their index.
// $statuses; $councils: [null] means all; $role: null or what they have to be too; $acceptedSince, $acceptedBefore: null or the bounds of when
// $above, $below: ids between which to look
// Column: totals: [council, total] of each, in one row
UNWIND $councils AS council
CALL (council) {
  UNWIND $statuses AS status
  MATCH (d:Deliberation)
  USING INDEX SEEK d:Deliberation(status, id)
  WHERE d.status = status AND d.id > $above AND d.id < $below
    AND ($role IS NULL OR d.role = $role)
    AND (council IS NULL OR d.councilId = council)
    AND ($acceptedSince IS NULL OR d.acceptedAt >= $acceptedSince)
    AND ($acceptedBefore IS NULL OR d.acceptedAt < $acceptedBefore)
  RETURN count(*) AS total
}
RETURN collect([council, total]) AS totals
