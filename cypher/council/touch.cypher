// Raise the version of a council whose seats have changed. It is locked by `council/lock`.
// $id; $updatedBy: who changes them, or null
// returns: nothing
MATCH (c:Council {id: $id})
SET c.version = c.version + 1, c.updatedAt = datetime.realtime('UTC'), c.updatedBy = $updatedBy
