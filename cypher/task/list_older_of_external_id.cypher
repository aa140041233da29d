// List tasks that the caller calls by one name, newest first, by their index.
// $externalId; $above, $below: ids between which to look; $limit: how many
// Column: tasks: as `task/read` has them, in order, in one row
MATCH (task:Task)
USING INDEX SEEK task:Task(externalId, id)
WHERE task.externalId = $externalId AND task.id > $above AND task.id < $below
WITH task
ORDER BY task.externalId DESC, task.id DESC
LIMIT $limit
RETURN collect([task.id, task.description, task.context, task.rubric, task.requirements, task.externalId, task.metadata]) AS tasks
