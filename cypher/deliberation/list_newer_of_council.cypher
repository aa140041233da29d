// List deliberations of each of some councils, oldest first, by their index.
// $councils; $statuses, $role: null or what they have to be too; $acceptedSince, $acceptedBefore: null or the bounds of when
// $above, $below: ids between which to look; $limit: how many of each
// Column: lists: [council, ids, in order] of each, in one row
UNWIND $councils AS council
CALL (council) {
  MATCH (d:Deliberation)
  USING INDEX SEEK d:Deliberation(councilId, id)
  WHERE d.councilId = council AND d.id > $above AND d.id < $below
    AND ($statuses IS NULL OR d.status IN $statuses)
    AND ($role IS NULL OR d.role = $role)
    AND ($acceptedSince IS NULL OR d.acceptedAt >= $acceptedSince)
    AND ($acceptedBefore IS NULL OR d.acceptedAt < $acceptedBefore)
  WITH d.id AS id
  ORDER BY d.councilId ASC, d.id ASC
  LIMIT $limit
  RETURN collect(id) AS ids
}
RETURN collect([council, ids]) AS lists
