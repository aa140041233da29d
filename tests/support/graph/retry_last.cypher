// Let the newest deliberation of a role look like a retry of the one before it, on the same task.
// $role
// returns: id, retries
MATCH (d:Deliberation {role: $role})
WITH d
ORDER BY d.id DESC
LIMIT 2
WITH collect(d) AS newest
WITH newest[0] AS d, newest[1] AS before
MATCH (d)-[about:ABOUT]->(own:Task)
MATCH (before)-[:ABOUT]->(task:Task)
DELETE about, own
CREATE (d)-[:ABOUT]->(task)
CREATE (d)-[:RETRIES]->(before)
RETURN d.id AS id, before.id AS retries
