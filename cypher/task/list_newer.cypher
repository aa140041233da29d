// List tasks, oldest first, by their index.
// $above, $below: ids between which to look; $limit: how many
// Column: tasks: as `task/read` has them, in order, in one row
MATCH (task:Task)
WHERE task.id > $above AND task.id < $below
WITH task
ORDER BY task.id ASC
LIMIT $limit
RETURN collect([task.id, task.description, task.context, task.rubric, task.requirements, task.externalId, task.metadata]) AS tasks
