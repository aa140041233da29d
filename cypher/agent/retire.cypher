// Retire an agent: its seat is gone and those after it move up. Council and agent are locked by `council/lock` and `agent/lock`.
// $id; $updatedBy: who retires it, or null
// returns: nothing
MATCH (a:Agent {id: $id})-[gone:SITS_ON]->(c:Council)
USING INDEX SEEK a:Agent(id)
WITH a, gone, c, gone.seat AS seat
DELETE gone
SET a.retired = true, a.updatedBy = $updatedBy
WITH c, seat
MATCH (:Agent)-[on:SITS_ON]->(c)
WHERE on.seat > seat
SET on.seat = on.seat - 1
