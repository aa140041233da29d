// Count deliberations in any of some statuses, along their index.
// $statuses; $role, $council: null or what they have to be too; $acceptedSince, $acceptedBefore: null or the bounds of when
// $above, $below: ids between which to look
// Column: total
UNWIND $statuses AS status
MATCH (d:Deliberation)
USING INDEX SEEK d:Deliberation(status, id)
WHERE d.status = status AND d.id > $above AND d.id < $below
  AND ($role IS NULL OR d.role = $role)
  AND ($council IS NULL OR d.councilId = $council)
  AND ($acceptedSince IS NULL OR d.acceptedAt >= $acceptedSince)
  AND ($acceptedBefore IS NULL OR d.acceptedAt < $acceptedBefore)
RETURN count(*) AS total
