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
  // As `claim/claim` has it.
  CASE WHEN NOT datetime.realtime('Z') <= p.leaseUntil <= datetime.realtime('Z') + duration('PT10M')
    THEN p.leaseUntil.epochSeconds * 1000000 + p.leaseUntil.microsecond END
]) AS holders
