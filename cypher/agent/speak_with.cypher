// Let an agent speak with another model. It is locked by `agent/lock`.
// $id; $model: its name
// returns: nothing
MATCH (a:Agent {id: $id})-[before:SPEAKS_WITH]->(:Model)
USING INDEX SEEK a:Agent(id)
DELETE before
WITH a
MATCH (m:Model {name: $model})
CREATE (a)-[:SPEAKS_WITH]->(m)
