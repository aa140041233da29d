// Change a council. It is locked by `council/lock`.
// $id; $name, $protocol, $rounds, $quorum, $decision: all as they are to be; $updatedBy: who changes it, or null
// returns: nothing
MATCH (c:Council {id: $id})
SET
  c.name = $name,
  c.protocol = $protocol,
  c.rounds = $rounds,
  c.quorum = $quorum,
  c.decision = $decision,
  c.version = c.version + 1,
  c.updatedAt = datetime.realtime('UTC'),
  c.updatedBy = $updatedBy
