// Find who holds deliberations that are under way, and whether he still does.
// $ids: of the deliberations
// Column: holders: [deliberation, process or null, its host, until when its lease ran as microseconds since 1970, or null while it
// runs], of each that is under way, in one row
UNWIND $ids AS id
MATCH (d:Deliberation {id: id})
USING INDEX SEEK d:Deliberation(id)
WHERE d.status = 'RUNNING'
OPTIONAL MATCH (p:Process {id: d.holder})
RETURN collect([
  d.id, d.holder, p.host,
  // As `claim/claim` has it. Until when a lease ran that was written before the clock was set back is not known.
  CASE
    WHEN p.leaseUntil < datetime.realtime('Z') THEN p.leaseUntil.epochSeconds * 1000000 + p.leaseUntil.microsecond
    WHEN p.leaseUntil > datetime.realtime('Z') + duration('PT10M') THEN datetime.realtime('Z').epochMillis * 1000
  END
]) AS holders
