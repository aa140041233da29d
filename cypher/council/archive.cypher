// Archive a council: it keeps its role and everything that it held, and serves no more. It is locked by `council/lock`.
// $id; $updatedBy: who archives it, or null
// returns: nothing
MATCH (c:Council {id: $id})
WITH c, datetime.realtime('UTC') AS now
SET c.servesRole = null, c.archivedAt = now, c.updatedAt = now, c.updatedBy = $updatedBy, c.version = c.version + 1
