// Count deliberations of a role, along their index.
// $role; $statuses: null or what they have to be too; $acceptedSince, $acceptedBefore: null or the bounds of when
// $above, $below: ids between which to look
// Column: totals: [null, total], in one row
MATCH (d:Deliberation)
USING INDEX SEEK d:Deliberation(role, id)
WHERE d.role = $role AND d.id > $above AND d.id < $below
  AND ($statuses IS NULL OR d.status IN $statuses)
  AND ($acceptedSince IS NULL OR d.acceptedAt >= $acceptedSince)
  AND ($acceptedBefore IS NULL OR d.acceptedAt < $acceptedBefore)
RETURN [[null, count(*)]] AS totals
