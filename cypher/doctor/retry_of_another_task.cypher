// A retry is of one deliberation at most, which failed or was cancelled and is about the same task.
// parameters: none
// returns: ids (retry, deliberation), one row a violation
MATCH (retry:Deliberation)-[:RETRIES]->(old:Deliberation)
WHERE
  NOT old.status IN ['FAILED', 'CANCELLED']
  OR NOT EXISTS { (retry)-[:ABOUT]->(:Task)<-[:ABOUT]-(old) }
  OR COUNT { (retry)-[:RETRIES]->() } <> 1
RETURN [retry.id, old.id] AS ids
