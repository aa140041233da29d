// Let Neo4j count what is in its indexes now, and forget the plans that it made before.
// parameters: none
// returns: nothing
CALL db.prepareForReplanning(60)
