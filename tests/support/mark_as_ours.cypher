// Mark the graph as one of tests, so that the next run may empty it. The label is none of the service's, which would take it for a stranger's graph.
// parameters: none
// returns: nothing
MERGE (:OfTests)
