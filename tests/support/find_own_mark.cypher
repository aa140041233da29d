// Find out whether the graph is marked as one of tests.
// parameters: none
// returns: name, of the mark; no row where there is none
SHOW INDEXES YIELD name
WHERE name = 'of_tests'
RETURN name
