// List deliberations on tasks that the caller calls by one name, newest first, by their index: of each of some councils, or of all.
// $externalId; $councils: [null] means all; $statuses, $role: null or what they have to be too
// $acceptedSince, $acceptedBefore: null or the bounds of when; $above, $below: ids between which to look; $limit: how many of each
// Column: lists: [council, ids, in order] of each, in one row
UNWIND $councils AS council
CALL (council) {
  MATCH (d:Deliberation)
  USING INDEX SEEK d:Deliberation(externalId, id)
  WHERE d.externalId = $externalId AND d.id > $above AND d.id < $below
    AND ($statuses IS NULL OR d.status IN $statuses)
    AND ($role IS NULL OR d.role = $role)
    AND (council IS NULL OR d.councilId = council)
    AND ($acceptedSince IS NULL OR d.acceptedAt >= $acceptedSince)
    AND ($acceptedBefore IS NULL OR d.acceptedAt < $acceptedBefore)
  WITH d.id AS id
  ORDER BY d.externalId DESC, d.id DESC
  LIMIT $limit
  RETURN collect(id) AS ids
}
RETURN collect([council, ids]) AS lists
