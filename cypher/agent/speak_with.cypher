// Let an agent speak with another model. It is locked by `agent/lock`.
// $id; $model: its name; $newModel: the id that it gets if it is new
// returns: nothing
MATCH (a:Agent {id: $id})-[before:SPEAKS_WITH]->(:Model)
USING INDEX SEEK a:Agent(id)
DELETE before
MERGE (m:Model {name: $model})
ON CREATE SET m.id = $newModel, m.rehearsal = false
CREATE (a)-[:SPEAKS_WITH]->(m)
