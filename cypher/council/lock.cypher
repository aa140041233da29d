// Lock a council, so that it and its seats are changed by one at a time.
// $id
// returns: name, protocol, rounds, quorum, decision, version, serves, seats (how many); no row where there is no such council
MATCH (c:Council {id: $id})
// The write lock, with a constant; everything after it is read under it.
SET c.lock = true
// Who held it may have removed the council, such as an import for one of its own, and then it has nothing left.
WITH c
WHERE c.name IS NOT NULL
RETURN
  c.name AS name, c.protocol AS protocol, c.rounds AS rounds, c.quorum AS quorum, c.decision AS decision,
  c.version AS version, c.servesRole IS NOT NULL AS serves, COUNT { (:Agent)-[:SITS_ON]->(c) } AS seats
