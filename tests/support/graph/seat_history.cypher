// Give what runs, and the last thousand of what was decided, the seats that their council has now.
// Column: seats
MATCH (d:Deliberation)
WHERE d:Running OR (d:Decided AND d.id > $after)
MATCH (d)<-[:HELD]-(c:Council)<-[on:SITS_ON]-(a:Agent)-[:SPEAKS_WITH]->(m:Model)
CREATE (d)-[:SEATS]->(s:Seat {number: on.seat, temperature: 0.5, maxTokens: 512})-[:OF]->(a)
CREATE (s)-[:SPEAKS_WITH]->(m)
RETURN count(s) AS seats
