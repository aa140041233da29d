// Let the deadline of each deliberation have passed.
// Column: deliberations
MATCH (d:Deliberation)
SET d.deadline = datetime.realtime('Z') - duration('PT1S')
RETURN count(d) AS deliberations
