// Show how far deliberations are, of those that are there.
// $ids
// returns: undecided: how many have not ended; decided; last: when the last of these was, in seconds since 1970, or null
UNWIND $ids AS id
MATCH (d:Deliberation {id: id})
RETURN count(CASE WHEN d.status IN ['QUEUED', 'RUNNING'] THEN 1 END) AS undecided,
  count(CASE WHEN d.status = 'DECIDED' THEN 1 END) AS decided,
  max(d.finishedAt.epochMillis) / 1000.0 AS last
