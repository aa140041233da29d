// Archive a council: it keeps its role and everything that it held, and serves no more. It is locked by `council/lock`.
// $id; $updatedBy: who archives it, or null
// returns: nothing
MATCH (c:Council {id: $id})
// Counted in a WITH: counted in the SET, it would make Neo4j wait for acceptances on this council, which wait for its lock.
WITH c, c.version + 1 AS version, datetime.realtime('UTC') AS now
SET c.servesRole = null, c.archivedAt = now, c.updatedAt = now, c.updatedBy = $updatedBy, c.version = version
