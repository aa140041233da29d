// List deliberations on a task, oldest first: a task has few.
// $task; $statuses, $role, $council, $externalId: null or what they have to be too; $acceptedSince, $acceptedBefore: null or the bounds of when
// $above, $below: ids between which to look; $limit: how many
// Column: ids, in order, in one row
// What is about a task is a deliberation; were that said, the planner might go by the ids of all of them.
MATCH (task:Task {id: $task})<-[:ABOUT]-(d)
USING INDEX SEEK task:Task(id)
WHERE d.id > $above AND d.id < $below
  AND ($statuses IS NULL OR d.status IN $statuses)
  AND ($role IS NULL OR d.role = $role)
  AND ($council IS NULL OR d.councilId = $council)
  AND ($externalId IS NULL OR d.externalId = $externalId)
  AND ($acceptedSince IS NULL OR d.acceptedAt >= $acceptedSince)
  AND ($acceptedBefore IS NULL OR d.acceptedAt < $acceptedBefore)
WITH d.id AS id
ORDER BY id ASC
LIMIT $limit
RETURN collect(id) AS ids
