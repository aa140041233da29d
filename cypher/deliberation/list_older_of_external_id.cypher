// List deliberations on tasks that the caller calls by one name, newest first, by their index: of each of some councils, or of all.
// $externalId; $councils: [null] means all; $also: what they have to be too, each null or given: statuses, role, acceptedSince,
//   acceptedBefore
// $above, $below: ids between which to look; $limit: how many of each
// Column: lists: [council, ids, in order] of each, in one row
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
  WITH d.id AS id
  ORDER BY d.externalId DESC, d.id DESC
  LIMIT $limit
  RETURN collect(id) AS ids
}
RETURN collect([council, ids]) AS lists
