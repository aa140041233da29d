// Take away the mark of a graph of tests.
// parameters: none
// returns: nothing
MATCH (n:OfTests)
DELETE n
