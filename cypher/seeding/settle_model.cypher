// Make the model that VLLM_MODEL names the default, and let every agent that named none speak with it. Past seats keep theirs.
// $name; $id: for the case that it is new
// returns: agents (how many changed their model)
// The councils change with their agents, and are locked before them, and both before the models.
// What an agent speaks with is a model; were that said, the planner might begin with all that have a name.
// Agents are sought among all agents: whoever made one may have read which model is the default before the last change of it, and have
// committed after; and a model has far more past seats than agents.
CALL () {
  MATCH (a:Agent)-[:SPEAKS_WITH {default: true}]->(other)
  USING SCAN a:Agent
  WHERE other.name <> $name
  MATCH (a)-[:SITS_ON]->(c:Council)
  WITH DISTINCT c
  ORDER BY c.id
  // The write locks, with a constant, in order of id; the versions are read under them.
  SET c.lock = true
  // Counted here: counted in the SET, it would make Neo4j wait for acceptances on these councils, which wait for their locks.
  WITH c, c.version + 1 AS version
  SET c.version = version, c.updatedAt = datetime.realtime('UTC')
}
CALL () {
  MATCH (a:Agent)-[:SPEAKS_WITH {default: true}]->(other)
  USING SCAN a:Agent
  WHERE other.name <> $name
  WITH DISTINCT a
  ORDER BY a.id
  // The write locks, with a constant: the council of an agent that was made meanwhile is not locked.
  SET a.lock = true
  RETURN collect(a) AS locked
}
MERGE (m:Model {name: $name})
ON CREATE SET m.id = $id, m.rehearsal = false
SET m.isDefault = true
WITH m, locked
CALL (m) {
  MATCH (former:Model {isDefault: true})
  WHERE former <> m
  SET former.isDefault = null
}
CALL (m, locked) {
  UNWIND locked AS a
  // Read again under the lock: who held it may have let the agent speak with a model of its own.
  MATCH (a)-[speaks:SPEAKS_WITH {default: true}]->(other)
  WHERE other <> m
  DELETE speaks
  CREATE (a)-[:SPEAKS_WITH {default: true}]->(m)
  RETURN count(a) AS agents
}
RETURN agents
