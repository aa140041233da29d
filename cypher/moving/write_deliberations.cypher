// Write deliberations, each once: with tasks, seats, turns, claims and verdicts. What was said in the turns write_contents adds.
// $rows: [{properties, instants, council, retries, task, seats, turns, claims, verdicts}]; instants: [name, text] of each, as in all that follow;
//   council, retries: ids, of what it retries or null; task: properties; seats: [{properties, agent, model, endpoint, removed}], agent and removed endpoint by id;
//   turns: [{properties, instants, label, final, critiques, revises, answers, ranks}], all by ids of turns; claims: [{properties, instants, process}];
//   verdicts: [{properties, instants, ranked}], one or none; ranked: [rank, turn, score, votes] of each, best first
// Column: written: [id, seats bound to an endpoint, claims with a process, seats with agent and model, turns with a seat, proposals ranked]
//   of each that was
UNWIND $rows AS row
WITH row
WHERE NOT EXISTS { (:Deliberation {id: row.properties.id}) }
MATCH (c:Council {id: row.council})
MERGE (task:Task {id: row.task.id})
ON CREATE SET task = row.task
CREATE (c)-[:HELD]->(d:Deliberation)-[:ABOUT]->(task)
SET d = row.properties
FOREACH (instant IN row.instants | SET d[instant[0]] = datetime(instant[1]))
FOREACH (_ IN CASE row.properties.status WHEN 'QUEUED' THEN [1] ELSE [] END | SET d:Queued)
FOREACH (_ IN CASE row.properties.status WHEN 'RUNNING' THEN [1] ELSE [] END | SET d:Running)
FOREACH (_ IN CASE row.properties.status WHEN 'DECIDED' THEN [1] ELSE [] END | SET d:Decided)
FOREACH (_ IN CASE row.properties.status WHEN 'FAILED' THEN [1] ELSE [] END | SET d:Failed)
FOREACH (_ IN CASE row.properties.status WHEN 'CANCELLED' THEN [1] ELSE [] END | SET d:Cancelled)
WITH d, row
// What it retries has come before it, or write_retries ties them.
CALL (d, row) {
  MATCH (retried:Deliberation {id: row.retries})
  CREATE (d)-[:RETRIES]->(retried)
}
CALL (d, row) {
  UNWIND row.seats AS one
  MATCH (agent:Agent {id: one.agent})
  MATCH (model:Model {name: one.model})
  CREATE (d)-[:SEATS]->(seat:Seat)-[:OF]->(agent)
  CREATE (seat)-[:SPEAKS_WITH]->(model)
  SET seat = one.properties
  WITH seat, one
  CALL (seat, one) {
    MATCH (bound:Endpoint {name: one.endpoint})
    CREATE (seat)-[:BOUND_TO]->(bound)
  }
  CALL (seat, one) {
    WITH seat, one
    WHERE one.removed IS NOT NULL
    MATCH (bound:RemovedEndpoint {id: one.removed})
    CREATE (seat)-[:BOUND_TO]->(bound)
  }
  RETURN count(seat) AS seats, sum(COUNT { (seat)-[:BOUND_TO]->() }) AS bound
}
CALL (d, row) {
  UNWIND row.turns AS one
  MATCH (d)-[:SEATS]->(seat:Seat {number: one.properties.seat})
  CREATE (d)-[:HAS_TURN]->(t:Turn)<-[:TOOK]-(seat)
  SET t = one.properties
  FOREACH (instant IN one.instants | SET t[instant[0]] = datetime(instant[1]))
  FOREACH (_ IN CASE one.label WHEN 'Proposal' THEN [1] ELSE [] END | SET t:Proposal)
  FOREACH (_ IN CASE one.label WHEN 'Critique' THEN [1] ELSE [] END | SET t:Critique)
  FOREACH (_ IN CASE one.label WHEN 'Ballot' THEN [1] ELSE [] END | SET t:Ballot)
  FOREACH (_ IN CASE WHEN one.final THEN [1] ELSE [] END | SET t:Final)
  RETURN count(t) AS turns
}
// Edges between turns, now that all of them are there.
CALL (row) {
  UNWIND row.turns AS one
  MATCH (t:Turn {id: one.properties.id})
  MATCH (other:Turn {id: one.critiques})
  CREATE (t)-[:CRITIQUES]->(other)
}
CALL (row) {
  UNWIND row.turns AS one
  MATCH (t:Turn {id: one.properties.id})
  MATCH (other:Turn {id: one.revises})
  CREATE (t)-[:REVISES]->(other)
}
CALL (row) {
  UNWIND row.turns AS one
  UNWIND one.answers AS answered
  MATCH (t:Turn {id: one.properties.id})
  MATCH (other:Turn {id: answered})
  CREATE (t)-[:ANSWERS]->(other)
}
CALL (row) {
  UNWIND row.turns AS one
  UNWIND range(0, size(one.ranks) - 1) AS i
  MATCH (t:Turn {id: one.properties.id})
  MATCH (other:Turn {id: one.ranks[i]})
  CREATE (t)-[:RANKS {position: i + 1}]->(other)
}
CALL (d, row) {
  UNWIND row.claims AS one
  MATCH (process:Process {id: one.process})
  CREATE (d)-[:CLAIMED]->(k:Claim)-[:BY]->(process)
  SET k = one.properties
  FOREACH (instant IN one.instants | SET k[instant[0]] = datetime(instant[1]))
  RETURN count(k) AS claims
}
CALL (d, row) {
  UNWIND row.verdicts AS one
  CREATE (d)-[:REACHED]->(v:Verdict)
  SET v = one.properties
  FOREACH (instant IN one.instants | SET v[instant[0]] = datetime(instant[1]))
  WITH v, one
  UNWIND one.ranked AS place
  MATCH (proposal:Turn {id: place[1]})
  CREATE (v)-[:RANKED {rank: place[0], score: place[2], votes: place[3]}]->(proposal)
  FOREACH (_ IN CASE place[0] WHEN 1 THEN [1] ELSE [] END | CREATE (v)-[:CHOSE]->(proposal))
  RETURN count(proposal) AS ranked
}
RETURN collect([d.id, bound, claims, seats, turns, ranked]) AS written
