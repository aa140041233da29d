// Say whether the lease of a process has run out, by the graph's clock.
// $id: of the process
// Column: lapsed
MATCH (p:Process {id: $id})
RETURN p.leaseUntil < datetime.realtime() AS lapsed
