// Raise the version of a council whose seats have changed. It is locked by `council/lock`.
// $id
// returns: nothing
MATCH (c:Council {id: $id})
SET c.version = c.version + 1, c.updatedAt = datetime.realtime('UTC')
