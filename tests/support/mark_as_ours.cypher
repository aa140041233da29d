// Mark the graph as one of tests, so that the next run may empty it.
// parameters: none
// returns: nothing
MERGE (:Lock {name: 'tests'})
