// Count what would go with deliberations, were they and all others that ended before the same moment removed.
// $ids; $before
// Columns: turns, seats, claims, verdicts, tasks
UNWIND $ids AS id
MATCH (d:Deliberation {id: id})-[:ABOUT]->(task:Task)
USING INDEX SEEK d:Deliberation(id)
RETURN sum(COUNT { (d)-[:HAS_TURN]->() }) AS turns, sum(COUNT { (d)-[:SEATS]->() }) AS seats, sum(COUNT { (d)-[:CLAIMED]->() }) AS claims,
  sum(COUNT { (d)-[:REACHED]->() }) AS verdicts,
  // A task goes with the last deliberation on it, where none stays and nothing else has to do with it.
  sum(CASE
    WHEN COUNT { (task)--() } > COUNT { (task)<-[:ABOUT]-() } THEN 0
    WHEN EXISTS {
      MATCH (task)<-[:ABOUT]-(other:Deliberation)
      WHERE other.id > d.id OR NOT (other.status IN ['DECIDED', 'FAILED', 'CANCELLED'] AND other.finishedAt < $before)
    } THEN 0
    ELSE 1
  END) AS tasks
