// Raise the version of a council whose seats have changed. It is locked by `council/lock`.
// $id; $updatedBy: who changes them, or null
// returns: nothing
MATCH (c:Council {id: $id})
// Counted in a WITH: counted in the SET, it would make Neo4j wait for acceptances on this council, which wait for its lock.
WITH c, c.version + 1 AS version
SET c.version = version, c.updatedAt = datetime.realtime('UTC'), c.updatedBy = $updatedBy
