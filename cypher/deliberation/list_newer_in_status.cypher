// List deliberations in any of some statuses, oldest first, of each of some councils, or of all: the first of each status by its index, and of these the first.
// $statuses: in the order in which deliberations have them; $councils: [null] means all; $role: null or what they have to be too; $acceptedSince, $acceptedBefore: null or the bounds of when
// $above, $below: ids between which to look; $limit: how many of each
// Column: lists: [council, ids, in order] of each, in one row
UNWIND $councils AS council
CALL (council) {
  UNWIND $statuses AS status
  CALL (council, status) {
    MATCH (d:Deliberation)
    USING INDEX SEEK d:Deliberation(status, id)
    WHERE d.status = status AND d.id > $above AND d.id < $below
      AND ($role IS NULL OR d.role = $role)
      AND (council IS NULL OR d.councilId = council)
      AND ($acceptedSince IS NULL OR d.acceptedAt >= $acceptedSince)
      AND ($acceptedBefore IS NULL OR d.acceptedAt < $acceptedBefore)
    RETURN d.id AS id
    ORDER BY d.status ASC, d.id ASC
    LIMIT $limit
  }
  // Who moves from one to a later one meanwhile is found in both: never in neither, by their order.
  WITH DISTINCT id
  ORDER BY id ASC
  LIMIT $limit
  RETURN collect(id) AS ids
}
RETURN collect([council, ids]) AS lists
