// Let the newest deliberation of a role look like a retry of the last one before it that failed, on the same task.
// $role
// returns: id, retries
MATCH (d:Deliberation {role: $role})
WITH d
ORDER BY d.id DESC
LIMIT 1
MATCH (before:Failed)
WHERE before.id < d.id
WITH d, before
ORDER BY before.id DESC
LIMIT 1
MATCH (d)-[about:ABOUT]->(own:Task)
MATCH (before)-[:ABOUT]->(task:Task)
DELETE about, own
SET d.externalId = task.externalId
CREATE (d)-[:ABOUT]->(task)
CREATE (d)-[:RETRIES]->(before)
RETURN d.id AS id, before.id AS retries
