// Make tasks that are alike but for their names.
// $count
// Column: made
UNWIND range(1, $count) AS n
CREATE (task:Task {id: 'tsk_' + right('0000000' + n, 8), description: 'a task', requirements: [], externalId: 'T-' + n})
RETURN count(task) AS made
