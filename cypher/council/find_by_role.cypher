// Find the council that serves a role now.
// $role: the role's name; $seated: whether with who sits on it
// Column: councils: [council, role, seats] of each, in one row; council and role are lists without names, seats, in no order,
//   [number, agent, [whether it is a model, model or else endpoint] of what the agent speaks with and what it is bound to]
MATCH (c:Council {servesRole: $role})
USING INDEX SEEK c:Council(servesRole)
MATCH (c)-[:SERVES]->(r:Role)
RETURN collect([
  [
    c.id, c.name, c.protocol, c.rounds, c.quorum, c.decision, c.version,
    c.createdAt.epochMillis, c.updatedAt.epochMillis, c.archivedAt.epochMillis
  ],
  [r.id, r.name, r.description, CASE WHEN c.servesRole IS NULL THEN null ELSE c.id END],
  // All properties of an agent together: one by one, Neo4j goes through all of them for each.
  [(a)-[on:SITS_ON]->(c) WHERE $seated |
    [on.seat, properties(a), [(a)-[:SPEAKS_WITH|BOUND_TO]->(x) | [x:Model, properties(x)]]]
  ]
]) AS councils
