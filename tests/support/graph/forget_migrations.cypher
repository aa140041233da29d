// Let the graph look as if no migration had been written down; what they did stays.
// parameters: none
// returns: nothing
MATCH (m:Migration)
DELETE m
