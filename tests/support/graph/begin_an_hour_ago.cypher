// Let a deliberation have begun an hour ago.
// $deliberation
// returns: nothing
MATCH (d:Deliberation {id: $deliberation})
SET d.startedAt = datetime.realtime('Z') - duration('PT1H')
