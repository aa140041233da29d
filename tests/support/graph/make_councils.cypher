// Make many councils of three agents with the default model.
// $count
// returns: nothing
MATCH (m:Model {isDefault: true})
UNWIND range(1, $count) AS i
WITH m, i, right('0000' + i, 5) AS n
CREATE (c:Council {
  id: 'cou_' + n, name: 'c' + n, servesRole: 'R' + n, protocol: 'PEER_REVIEW', rounds: 1, quorum: 2, decision: 'BALLOTS', version: 1,
  createdAt: datetime({timezone: 'UTC'}), updatedAt: datetime({timezone: 'UTC'})
})-[:SERVES]->(:Role {id: 'rol_' + n, name: 'R' + n, agentsNamed: 3, councilsNamed: 1})
WITH m, n, c
UNWIND [3, 1, 2] AS seat
CREATE (a:Agent {
  id: 'agt_' + n + '_' + seat, name: 'a' + n + '-' + seat, temperature: 0.5, maxTokens: 512,
  persona: 'You are number ' + n + ' at seat ' + seat + ', and say in some two hundred characters what you look for, as people do who '
    + 'write a persona: not much more than this, not much less, and never twice the same.'
})-[:SITS_ON {seat: seat}]->(c)
CREATE (a)-[:SPEAKS_WITH {default: true}]->(m)
