// Restore an archived council. Its role and it are locked by `role/lock` and `council/lock`.
// $id; $updatedBy: who restores it, or null
// returns: nothing
MATCH (c:Council {id: $id})-[:SERVES]->(r:Role)
USING INDEX SEEK c:Council(id)
SET c.servesRole = r.name, c.archivedAt = null, c.updatedAt = datetime.realtime('UTC'), c.updatedBy = $updatedBy,
  c.version = c.version + 1
