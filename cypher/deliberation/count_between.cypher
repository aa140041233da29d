// Count deliberations, along their index.
// $acceptedSince, $acceptedBefore: null or the bounds of when
// $above, $below: ids between which to look
// Column: totals: [null, total], in one row
MATCH (d:Deliberation)
WHERE d.id > $above AND d.id < $below
  AND ($acceptedSince IS NULL OR d.acceptedAt >= $acceptedSince)
  AND ($acceptedBefore IS NULL OR d.acceptedAt < $acceptedBefore)
RETURN [[null, count(*)]] AS totals
