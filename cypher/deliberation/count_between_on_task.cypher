// Count deliberations on each of some tasks: a task has few.
// $tasks; $also: what they have to be too, each null or given: statuses, role, council, externalId, acceptedSince, acceptedBefore
// $above, $below: ids between which to look
// Column: totals: [task, total] of each, in one row
UNWIND $tasks AS sought
CALL (sought) {
  // What is about a task is a deliberation; were that said, the planner might go by the ids of all of them.
  MATCH (task:Task {id: sought})<-[:ABOUT]-(d)
  USING INDEX SEEK task:Task(id)
  WHERE d.id > $above AND d.id < $below
    AND ($also.statuses IS NULL OR d.status IN $also.statuses)
    AND ($also.role IS NULL OR d.role = $also.role)
    AND ($also.council IS NULL OR d.councilId = $also.council)
    AND ($also.externalId IS NULL OR d.externalId = $also.externalId)
    AND ($also.acceptedSince IS NULL OR d.acceptedAt >= $also.acceptedSince)
    AND ($also.acceptedBefore IS NULL OR d.acceptedAt < $also.acceptedBefore)
  RETURN count(*) AS total
}
RETURN collect([sought, total]) AS totals
