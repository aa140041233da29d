// The least that Neo4j can be asked: what a round trip costs.
// parameters: none
// returns: one
RETURN 1 AS one
