// Tie retries to what they retry, each once: those that came before it. What is tied stays as it is.
// $rows: [retry, retried] of each, ids of deliberations
// returns: nothing
UNWIND $rows AS row
MATCH (retry:Deliberation {id: row[0]})
MATCH (retried:Deliberation {id: row[1]})
WHERE NOT EXISTS { (retry)-[:RETRIES]->() }
MERGE (retry)-[:RETRIES]->(retried)
