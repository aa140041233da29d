// List deliberations, oldest first, by their index.
// $acceptedSince, $acceptedBefore: null or the bounds of when
// $above, $below: ids between which to look; $limit: how many
// Column: lists: [null, ids, in order], in one row
MATCH (d:Deliberation)
WHERE d.id > $above AND d.id < $below
  AND ($acceptedSince IS NULL OR d.acceptedAt >= $acceptedSince)
  AND ($acceptedBefore IS NULL OR d.acceptedAt < $acceptedBefore)
WITH d.id AS id
ORDER BY d.id ASC
LIMIT $limit
RETURN [[null, collect(id)]] AS lists
