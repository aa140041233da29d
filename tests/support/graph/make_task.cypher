// Make a task, with which who makes another of the same id waits until the transaction ends.
// $task: its id
CREATE (:Task {id: $task})
