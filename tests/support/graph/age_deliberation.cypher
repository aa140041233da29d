// Let a deliberation have come to each status that it has had so many seconds earlier.
// $deliberation; $seconds
MATCH (d:Deliberation {id: $deliberation})
SET d.acceptedAt = d.acceptedAt - duration({seconds: $seconds}), d.startedAt = d.startedAt - duration({seconds: $seconds})
