// Write models, and which endpoints serve them; one whose name is there stays as it is. Under the lock of the migrations.
// $rows: [{properties, takes, default, servedBy}]; takes: what one that is there takes on, such as the id; default: whether it is the
//   default model where the graph has none; servedBy: names of endpoints
// returns: nothing
UNWIND $rows AS row
MERGE (m:Model {name: row.properties.name})
ON CREATE SET m = row.properties
ON MATCH SET m += row.takes
WITH m, row
CALL (m, row) {
  WITH m, row
  WHERE row.default AND NOT EXISTS { (:Model {isDefault: true}) }
  SET m.isDefault = true
}
WITH m, row
UNWIND row.servedBy AS name
MATCH (e:Endpoint {name: name})
MERGE (m)-[:SERVED_BY]->(e)
