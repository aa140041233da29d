// Remove a council that is as it was seeded, with who sits on it. The role is locked by role/lock, the council by council/lock.
// A plain DELETE: had it deliberated meanwhile, the relationships of that would make the transaction fail.
// $id
// returns: nothing
MATCH (c:Council {id: $id})-[serves:SERVES]->(:Role)
USING INDEX SEEK c:Council(id)
MATCH (a:Agent)-[sits:SITS_ON]->(c)
MATCH (a)-[speaks:SPEAKS_WITH]->(:Model)
DELETE serves, sits, speaks, a, c
