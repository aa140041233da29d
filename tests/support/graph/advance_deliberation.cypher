// Do to a deliberation what one more recorded event does.
// $deliberation
// Column: sequence: the new one
MATCH (d:Deliberation {id: $deliberation})
SET d.sequence = d.sequence + 1
RETURN d.sequence AS sequence
