// Make councils of three agents, each serving a role of its own.
// $first, $last: their numbers; $personas: texts, from which each agent's own is made
// returns: nothing
// All agents speak with the default model. Each persona is another text: no two can share it in memory.
MATCH (m:Model {isDefault: true})
UNWIND range($first, $last) AS n
CALL (m, n) {
  CREATE (c:Council {
    id: 'cou_' + right('00000000000000000000000000000000' + n, 32), name: 'role' + n + '-council-1', servesRole: 'ROLE' + n,
    protocol: 'PEER_REVIEW', rounds: 1, quorum: 2, decision: 'BALLOTS', version: 1,
    createdAt: datetime.realtime('UTC'), updatedAt: datetime.realtime('UTC')
  })-[:SERVES]->(:Role {
    id: 'rol_' + right('00000000000000000000000000000000' + n, 32), name: 'ROLE' + n,
    description: 'What the council number ' + n + ' is for.'
  })
  WITH m, n, c
  UNWIND [1, 2, 3] AS seat
  CREATE (m)<-[:SPEAKS_WITH {default: true}]-(:Agent {
    id: 'agt_' + right('0000000000000000000000000000000' + n, 31) + seat, name: 'role' + n + '-agent-' + seat,
    persona: 'You are number ' + seat + ' of ' + n + '. ' + $personas[(3 * n + seat) % size($personas)],
    temperature: 0.2 * seat, maxTokens: 512
  })-[:SITS_ON {seat: seat}]->(c)
} IN TRANSACTIONS OF 500 ROWS
