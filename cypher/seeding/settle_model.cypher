// Make the model that VLLM_MODEL names the default, and let every agent that named none speak with it. Past seats keep theirs.
// $name; $id: for the case that it is new
// returns: agents (how many changed their model)
// The councils change with their agents, and are locked before them and before the models.
CALL () {
  MATCH (former:Model {isDefault: true})
  USING SCAN former:Model
  WHERE former.name <> $name
  MATCH (a:Agent)-[:SPEAKS_WITH {default: true}]->(former)
  MATCH (a)-[:SITS_ON]->(c:Council)
  WITH DISTINCT c
  ORDER BY c.id
  // The write locks, with a constant, in order of id; the versions are read under them.
  SET c.lock = true
  WITH c
  SET c.version = c.version + 1, c.updatedAt = datetime.realtime('UTC')
}
MERGE (m:Model {name: $name})
ON CREATE SET m.id = $id, m.rehearsal = false
SET m.isDefault = true
WITH m
CALL (m) {
  MATCH (former:Model {isDefault: true})
  WHERE former <> m
  SET former.isDefault = null
  WITH m, former
  MATCH (a:Agent)-[speaks:SPEAKS_WITH {default: true}]->(former)
  DELETE speaks
  CREATE (a)-[:SPEAKS_WITH {default: true}]->(m)
  RETURN count(a) AS agents
}
RETURN agents
