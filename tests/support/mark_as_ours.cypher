// Mark the graph as one of tests, so that the next run may empty it: by an index, since every node would be somebody's, and the doctor's matter.
// parameters: none
// returns: nothing
CREATE RANGE INDEX of_tests IF NOT EXISTS FOR (n:OfTests) ON (n.of)
