// A council with everybody who sits on it, the models they speak with and the servers of these.
// $role: its name, such as DEV; in Neo4j Browser: `:param role => 'DEV'`
// returns: paths to be drawn
MATCH council = (:Role)<-[:SERVES]-(c:Council {servesRole: $role})
USING INDEX SEEK c:Council(servesRole)
MATCH seat = (a:Agent)-[:SITS_ON]->(c)
MATCH speaks = (a)-[:SPEAKS_WITH]->(m:Model)
OPTIONAL MATCH served = (m)-[:SERVED_BY]->(:Endpoint)
RETURN council, seat, speaks, served
