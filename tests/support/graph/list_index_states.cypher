// List whether the indexes can be used.
// parameters: none
// returns: name, state
SHOW INDEXES YIELD name, state
