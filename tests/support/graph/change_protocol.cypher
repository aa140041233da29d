// Let a deliberation be of another protocol.
// $deliberation, $protocol
// returns: nothing
MATCH (d:Deliberation {id: $deliberation})
SET d.protocol = $protocol
