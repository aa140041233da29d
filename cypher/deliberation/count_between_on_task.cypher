// Count deliberations on each of some tasks: a task has few.
// $tasks; $statuses, $role, $council, $externalId: null or what they have to be too; $acceptedSince, $acceptedBefore: null or the bounds of when
// $above, $below: ids between which to look
// Column: totals: [task, total] of each, in one row
UNWIND $tasks AS sought
CALL (sought) {
  // What is about a task is a deliberation; were that said, the planner might go by the ids of all of them.
  MATCH (task:Task {id: sought})<-[:ABOUT]-(d)
  USING INDEX SEEK task:Task(id)
  WHERE d.id > $above AND d.id < $below
    AND ($statuses IS NULL OR d.status IN $statuses)
    AND ($role IS NULL OR d.role = $role)
    AND ($council IS NULL OR d.councilId = $council)
    AND ($externalId IS NULL OR d.externalId = $externalId)
    AND ($acceptedSince IS NULL OR d.acceptedAt >= $acceptedSince)
    AND ($acceptedBefore IS NULL OR d.acceptedAt < $acceptedBefore)
  RETURN count(*) AS total
}
RETURN collect([sought, total]) AS totals
