// Claim deliberations that nobody holds, or whose holder's lease has run out or is known to be gone.
// $process: who claims; $room: how many at most; $due: how many more of those whose deadline has passed
// $knows: what it knows: gone: ids of processes that are dead; held: what it holds: what else it holds was claimed without its having been
// told, and comes first, within the room; past: how many of those that come first are passed over, as others have their locks
// Columns: sought: how many it went for; claimed: [deliberation, epoch, milliseconds until the deadline or null, resumed, rehearsal, case] of
// those it got; case: [deliberation, task, seats] as `deliberation/load` has them where it is the first claim, else null
// Order: what is due, which only has to be ended, then priority, then under way before new, then the role with the fewest running first,
// then first come.
// The SET of `lock` takes the write locks, in order of id; who may have it is asked again after it, of a node matched anew.
// A lease that has twice the longest that there is yet to run was written before the clock was set back. Whoever lives writes it anew
// within a second; of whoever is dead it would keep all that he held for as long as the clock was ahead.
MATCH (me:Process {id: $process})
WITH me, datetime.realtime('Z') AS asked
// Who holds how many of which role, from the index over what is held.
CALL () {
  MATCH (d:Deliberation)
  USING INDEX d:Deliberation(holder, role)
  WHERE d.holder IS NOT NULL AND d.role IS NOT NULL
  WITH d.holder AS holder, d.role AS role, count(*) AS held
  OPTIONAL MATCH (p:Process {id: holder})
  RETURN collect({holder: holder, role: role, held: held,
    lapsed: holder <> $process AND (p IS NULL OR holder IN $knows.gone
      OR NOT datetime.realtime('Z') <= p.leaseUntil <= datetime.realtime('Z') + duration('PT10M'))}) AS holdings
}
// Candidates of each role, in order, no more than there is room for. The hints say SEEK: by statistics that are a little old the
// planner would rather scan all that wait, once for each role.
CALL (asked, holdings) {
  UNWIND [holding IN holdings WHERE holding.lapsed] AS holding
  MATCH (d:Deliberation)
  USING INDEX SEEK d:Deliberation(holder, role)
  WHERE d.holder = holding.holder AND d.role = holding.role
  // Of these, all are under way: the even places.
  RETURN CASE d.priority WHEN 'HIGH' THEN 0 WHEN 'NORMAL' THEN 2 ELSE 4 END AS place, d.role AS role, d.id AS id
  UNION ALL
  // What is due may stand far back in its line, and is found by indexes of its own.
  UNWIND [holding IN holdings WHERE holding.lapsed | holding.holder] AS holder
  WITH DISTINCT asked, holder
  CALL (asked, holder) {
    MATCH (d:Deliberation)
    USING INDEX SEEK d:Deliberation(holder, deadline)
    WHERE d.holder = holder AND d.deadline <= asked
    WITH d
    ORDER BY d.holder, d.deadline
    LIMIT $room + $due + $knows.past
    RETURN d.role AS role, d.id AS id
  }
  RETURN -1 AS place, role, id
  UNION ALL
  UNWIND range(0, 5) AS place
  CALL (asked, place) {
    MATCH (d:Deliberation)
    USING INDEX SEEK d:Deliberation(waiting, deadline)
    WHERE d.waiting = place AND d.deadline <= asked
    WITH d
    ORDER BY d.waiting, d.deadline
    LIMIT $room + $due + $knows.past
    RETURN d.role AS role, d.id AS id
  }
  RETURN -1 AS place, role, id
  UNION ALL
  UNWIND range(0, 5) AS place
  CALL (place) {
    MATCH (some:Deliberation)
    USING INDEX SEEK some:Deliberation(waiting, role, id)
    WHERE some.waiting = place AND some.role IS NOT NULL AND some.id IS NOT NULL
    RETURN some.waiting AS found
    LIMIT 1
  }
  MATCH (r:Role)
  CALL (place, r) {
    MATCH (d:Deliberation)
    USING INDEX SEEK d:Deliberation(waiting, role, id)
    WHERE d.waiting = place AND d.role = r.name AND d.id > ''
    WITH d
    // Every column of the index by name, or all that wait would be read and sorted.
    ORDER BY d.waiting, d.role, d.id
    LIMIT $room + $knows.past
    RETURN d.id AS id
  }
  RETURN place, r.name AS role, id
}
WITH me, holdings, role, id, min(place) AS place
ORDER BY place, id
WITH me, holdings, role, collect([place, id]) AS line
WITH me, role, line, reduce(running = 0, holding IN holdings |
  CASE WHEN holding.role = role AND NOT holding.lapsed THEN running + holding.held ELSE running END) AS running
UNWIND range(0, size(line) - 1) AS i
WITH me, line[i][0] AS place, running + i AS turn, line[i][1] AS id
ORDER BY place, turn, id
SKIP $knows.past
LIMIT $room + $due
WITH me, collect(id) AS ids, sum(CASE place WHEN -1 THEN 1 ELSE 0 END) AS due
// What an acknowledgement that was lost should have told.
CALL (me) {
  MATCH (d:Deliberation)
  USING INDEX SEEK d:Deliberation(holder, role)
  WHERE d.holder = $process AND d.role IS NOT NULL AND NOT d.id IN $knows.held
  // Whose an epoch is, its claim says: while another takes over, the index still has the one, and the store already the other's epoch.
  WITH me, d, d.epoch AS epoch
  MATCH (d)-[:CLAIMED]->(claim:Claim)
  WHERE claim.epoch = epoch
  MATCH (claim)-[:BY]->(by)
  WHERE by = me
  WITH d, epoch, claim
  ORDER BY d.id
  LIMIT $room
  RETURN collect([d.id, epoch, d.deadline.epochMillis - datetime.realtime('Z').epochMillis, claim.resumed, d.rehearsal, null]) AS untold
}
WITH me, untold, ids[..$room - size(untold) + CASE WHEN due < $due THEN due ELSE $due END] AS ids
CALL (me, ids) {
  UNWIND ids AS id
  WITH me, id
  ORDER BY id
  MATCH (d:Deliberation {id: id})
  SET d.lock = true
  WITH me, d
  OPTIONAL MATCH (before:Process {id: d.holder})
  WITH me, d, before
  WHERE d.status IN ['QUEUED', 'RUNNING'] AND (
    d.holder IS NULL
    OR d.holder <> $process AND (before IS NULL OR d.holder IN $knows.gone
      OR NOT datetime.realtime('Z') <= before.leaseUntil <= datetime.realtime('Z') + duration('PT10M')))
  WITH me, d, d.status = 'RUNNING' AS resumed, datetime.realtime('Z') AS now
  SET d.holder = $process, d.waiting = null, d.epoch = d.epoch + 1, d.sequence = d.sequence + 1, d.status = 'RUNNING', d:Running,
    d.startedAt = coalesce(d.startedAt, now), d.resumptions = d.resumptions + CASE WHEN resumed THEN 1 ELSE 0 END
  REMOVE d:Queued
  // The claim is named after what is claimed, without its `dlb_`, and after the epoch, which no other claim of it has.
  CREATE (d)-[:CLAIMED]->(:Claim {
    id: 'clm_' + substring(d.id, 4) + '-' + d.epoch, sequence: d.sequence, epoch: d.epoch, at: now, resumed: resumed
  })-[:BY]->(me)
  RETURN collect([d.id, d.epoch, d.deadline.epochMillis - now.epochMillis, resumed, d.rehearsal,
    // This is the first that ever happened to it, so that no turn is there: with the claim goes all there is to load.
    CASE WHEN d.sequence = 1 THEN [[
      d.id, d.councilId, d.councilVersion, d.role, d.protocol, d.rounds, d.quorum, d.decision, d.priority, d.status, d.stopReason, d.failure,
      d.rehearsal, d.acceptedAt.epochSeconds * 1000000 + d.acceptedAt.microsecond, d.startedAt.epochSeconds * 1000000 + d.startedAt.microsecond,
      d.finishedAt.epochSeconds * 1000000 + d.finishedAt.microsecond, d.deadline.epochSeconds * 1000000 + d.deadline.microsecond,
      d.tokenBudget, d.tokensReserved, d.tokensSettled, d.prunedAt.epochSeconds * 1000000 + d.prunedAt.microsecond, d.createdBy, d.resumptions, d.sequence,
      d.promptTokens, d.cachedPromptTokens, d.completionTokens, d.calls
    ], head([(d)-[:ABOUT]->(task:Task) | [
      task.id, task.description, task.context, task.rubric, task.requirements, task.externalId, task.metadata
    ]]), [(d)-[:SEATS]->(place:Seat) | [
      place.number, place.persona, place.temperature, place.maxTokens,
      head([(place)-[:SPEAKS_WITH]->(m:Model) | [m.id, m.name, coalesce(m.rehearsal, false),
        [(m)-[:SERVED_BY]->(e:Endpoint) | [e.id, e.name, e.url, e.apiKeyVariable]]]]),
      head([(place)-[:BOUND_TO]->(e) | [e.id, e.name, e.url, e.apiKeyVariable]]),
      head([(place)-[:OF]->(a:Agent) | [a.id, a.name, a.persona, a.temperature, a.maxTokens,
        head([(a)-[:SPEAKS_WITH]->(m:Model) | [m.id, m.name, coalesce(m.rehearsal, false),
          [(m)-[:SERVED_BY]->(e:Endpoint) | [e.id, e.name, e.url, e.apiKeyVariable]]]]),
        head([(a)-[:BOUND_TO]->(e:Endpoint) | [e.id, e.name, e.url, e.apiKeyVariable]]),
        coalesce(a.retired, false), a.metadata, head([(a)-[:SITS_ON]->(c:Council) | c.id])]])
    ]]] END]) AS claimed
}
RETURN size(untold) + size(ids) AS sought, untold + claimed AS claimed
