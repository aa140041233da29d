// Let the deadline of a deliberation have passed.
// $deliberation
// returns: nothing
MATCH (d:Deliberation {id: $deliberation})
SET d.deadline = datetime.realtime('Z') - duration('PT1S')
