// List deliberations of a role, newest first, by their index.
// $role; $statuses: null or what they have to be too; $acceptedSince, $acceptedBefore: null or the bounds of when
// $above, $below: ids between which to look; $limit: how many
// Column: lists: [null, ids, in order], in one row
MATCH (d:Deliberation)
USING INDEX SEEK d:Deliberation(role, id)
WHERE d.role = $role AND d.id > $above AND d.id < $below
  AND ($statuses IS NULL OR d.status IN $statuses)
  AND ($acceptedSince IS NULL OR d.acceptedAt >= $acceptedSince)
  AND ($acceptedBefore IS NULL OR d.acceptedAt < $acceptedBefore)
WITH d.id AS id
ORDER BY d.role DESC, d.id DESC
LIMIT $limit
RETURN [[null, collect(id)]] AS lists
