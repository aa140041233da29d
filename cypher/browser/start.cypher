// What Neo4j Browser is opened with: the councils, and the newest deliberation with its turns.
// Parameters: none, since a person runs it.
// Returns: paths to be drawn; `turns` is empty before the first deliberation.
// Locks nothing.
MATCH council = (:Role)<-[:SERVES]-(:Council)<-[:SITS_ON]-(:Agent)
WITH collect(council)[..75] AS councils
OPTIONAL MATCH (newest:Deliberation)
// So that the newest is found by its index; without it all are read.
WHERE newest.id > ''
WITH councils, newest ORDER BY newest.id DESC LIMIT 1
OPTIONAL MATCH held = (:Task)<-[:ABOUT]-(newest)<-[:HELD]-(:Council)
OPTIONAL MATCH turn = (newest)-[:HAS_TURN]->(:Turn)<-[:TOOK]-(:Seat)-[:OF]->(:Agent)
RETURN councils, held, collect(turn) AS turns
