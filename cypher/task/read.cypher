// Read tasks.
// $ids
// Column: task: [id, description, context, rubric, requirements, externalId, metadata], a row each, in no order: Neo4j has to have all of a
// row in its memory to send it
UNWIND $ids AS id
MATCH (task:Task {id: id})
RETURN [task.id, task.description, task.context, task.rubric, task.requirements, task.externalId, task.metadata] AS task
