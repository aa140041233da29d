// Count all tasks, from the count store.
// Column: total
MATCH (task:Task)
RETURN count(task) AS total
