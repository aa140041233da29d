// Change a council. It is locked by `council/lock`.
// $id; $name, $protocol, $rounds, $quorum, $decision: all as they are to be; $updatedBy: who changes it, or null
// returns: nothing
MATCH (c:Council {id: $id})
// Counted in a WITH: counted in the SET, it would make Neo4j wait for acceptances on this council, which wait for its lock.
WITH c, c.version + 1 AS version
SET
  c.name = $name,
  c.protocol = $protocol,
  c.rounds = $rounds,
  c.quorum = $quorum,
  c.decision = $decision,
  c.version = version,
  c.updatedAt = datetime.realtime('UTC'),
  c.updatedBy = $updatedBy
