// The least that Neo4j can be asked to write: what a commit costs.
// parameters: none
// returns: nothing
CREATE (:Least)
