// Restore an archived council. Its role and it are locked by `role/lock` and `council/lock`.
// $id; $updatedBy: who restores it, or null
// returns: nothing
MATCH (c:Council {id: $id})-[:SERVES]->(r:Role)
USING INDEX SEEK c:Council(id)
// Counted in a WITH: counted in the SET, it would make Neo4j wait for acceptances on this council, which wait for its lock.
WITH c, r.name AS role, c.version + 1 AS version
SET c.servesRole = role, c.archivedAt = null, c.updatedAt = datetime.realtime('UTC'), c.updatedBy = $updatedBy,
  c.version = version
