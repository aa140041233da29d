// Let a deliberation that has ended have ended so long after it was accepted.
// $deliberation; $milliseconds
// Column: council
MATCH (d:Deliberation {id: $deliberation})
SET d.finishedAt = d.acceptedAt + duration({milliseconds: $milliseconds})
RETURN d.councilId AS council
