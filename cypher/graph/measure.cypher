// Say how much is in the graph, from the count store: each number is looked up, however large it is.
// Columns: councils, agents, tasks, deliberations, turns, nodes, relationships
CALL () {
  MATCH (n:Council)
  RETURN count(n) AS councils
}
CALL () {
  MATCH (n:Agent)
  RETURN count(n) AS agents
}
CALL () {
  MATCH (n:Task)
  RETURN count(n) AS tasks
}
CALL () {
  MATCH (n:Deliberation)
  RETURN count(n) AS deliberations
}
CALL () {
  MATCH (n:Turn)
  RETURN count(n) AS turns
}
CALL () {
  MATCH (n)
  RETURN count(n) AS nodes
}
CALL () {
  MATCH ()-[r]->()
  RETURN count(r) AS relationships
}
RETURN councils, agents, tasks, deliberations, turns, nodes, relationships
