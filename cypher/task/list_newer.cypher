// List tasks, oldest first, by their index.
// $above, $below: ids between which to look; $limit: how many; $brief: whether nothing but id and externalId is read
// Column: task: as `task/read` has it, a row each, in order: Neo4j has to have all of a row in its memory to send it
MATCH (task:Task)
WHERE task.id > $above AND task.id < $below
WITH task
ORDER BY task.id ASC
LIMIT $limit
RETURN CASE WHEN $brief
  THEN [task.id, '', null, null, [], task.externalId, null]
  ELSE [task.id, task.description, task.context, task.rubric, task.requirements, task.externalId, task.metadata]
END AS task
