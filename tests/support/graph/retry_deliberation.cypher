// Make another deliberation on the task of one, as a retry does.
// $deliberation; $retry: its id
// Column: task
MATCH (council:Council)-[:HELD]->(d:Deliberation {id: $deliberation})-[:ABOUT]->(task:Task)
CREATE (council)-[:HELD]->(retry:Deliberation:Failed)-[:ABOUT]->(task)
SET retry = d {.*, id: $retry, idempotencyKey: null, status: 'FAILED', failure: 'ended'}
CREATE (retry)-[:RETRIES]->(d)
RETURN task.id AS task
