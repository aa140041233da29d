// Read tasks.
// $ids
// Column: tasks: [id, description, context, rubric, requirements, externalId, metadata], in no order, in one row
UNWIND $ids AS id
MATCH (task:Task {id: id})
RETURN collect([task.id, task.description, task.context, task.rubric, task.requirements, task.externalId, task.metadata]) AS tasks
