// Remove the node of a process that is on no claim.
// $process
MATCH (p:Process {id: $process})
DELETE p
