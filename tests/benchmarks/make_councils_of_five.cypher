// Make councils of five agents, each serving a role of its own.
// $first, $last: their numbers; $persona: a text, from which each agent's own is made
// returns: nothing
// Every other agent speaks with a second model.
MERGE (second:Model {id: 'mdl_00000000000000000000000000000002'})
ON CREATE SET second.name = 'a-second-model', second.rehearsal = false
WITH second
MATCH (first:Model {isDefault: true})
UNWIND range($first, $last) AS n
CALL (first, second, n) {
  CREATE (c:Council {
    id: 'cou_' + right('00000000000000000000000000000000' + n, 32), name: 'role' + n + '-council-1', servesRole: 'ROLE' + n,
    protocol: 'PEER_REVIEW', rounds: 1, quorum: 3, decision: 'BALLOTS', version: 1,
    createdAt: datetime.realtime('UTC'), updatedAt: datetime.realtime('UTC')
  })-[:SERVES]->(:Role {
    id: 'rol_' + right('00000000000000000000000000000000' + n, 32), name: 'ROLE' + n,
    description: 'What the council number ' + n + ' is for.'
  })
  WITH first, second, n, c
  UNWIND range(1, 5) AS seat
  WITH CASE seat % 2 WHEN 0 THEN first ELSE second END AS model, n, c, seat
  CREATE (model)<-[:SPEAKS_WITH]-(:Agent {
    id: 'agt_' + right('0000000000000000000000000000000' + n, 31) + seat, name: 'role' + n + '-agent-' + seat,
    persona: 'You are number ' + seat + ' of ' + n + '. ' + $persona, temperature: 0.2 * seat, maxTokens: 512
  })-[:SITS_ON {seat: seat}]->(c)
}
