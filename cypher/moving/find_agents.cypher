// Find agents by their ids or their names.
// $ids, $names: of agents
// Columns: id, name, council: the id of the one they sit on, or null
CALL () {
  UNWIND $ids AS id
  MATCH (a:Agent {id: id})
  RETURN a
  UNION
  UNWIND $names AS name
  MATCH (a:Agent {name: name})
  RETURN a
}
OPTIONAL MATCH (a)-[:SITS_ON]->(c:Council)
RETURN a.id AS id, a.name AS name, c.id AS council
