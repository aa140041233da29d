// What breaks each rule of the doctor and no other, in the graph of test_doctor.py; each begins with the rule's name, and where a rule can
// be broken in several ways that are not alike, with the way.
// There: the seeded councils; DEV has decided, QA has failed, DEVOPS was cancelled and its retry, as DATA's deliberation, is queued;
// ARCHITECT has one that runs.

// rule: council_without_role
MATCH (r:Role {name: 'DEVOPS'})<-[s:SERVES]-(:Council)
DELETE s;

// rule: served_role_mismatch
MATCH (c:Council {servesRole: 'DEVOPS'})
SET c.servesRole = 'OTHER';

// rule: archived_and_serving
MATCH (c:Council {servesRole: 'DEVOPS'})
SET c.archivedAt = datetime({timezone: 'UTC'});

// rule: council_without_seats
MATCH (c:Council {servesRole: 'DEVOPS'})<-[s:SITS_ON]-(a:Agent)
SET a.retired = true
DELETE s;

// rule: council_seats_not_numbered
MATCH (:Council {servesRole: 'DEVOPS'})<-[s:SITS_ON {seat: 2}]-(:Agent)
SET s.seat = 3;

// rule: council_quorum_unreachable
MATCH (c:Council {servesRole: 'DEVOPS'})
SET c.quorum = 4;

// rule: agent_on_several_councils
MATCH (c:Council {servesRole: 'DEVOPS'}), (a:Agent {name: 'dev-agent-1'})
CREATE (a)-[:SITS_ON {seat: 4}]->(c);

// rule: agent_without_council
MATCH (a:Agent {name: 'devops-agent-3'})-[s:SITS_ON]->(:Council)
DELETE s;

// rule: agent_seated_after_retiring
MATCH (a:Agent {name: 'devops-agent-3'})
SET a.retired = true;

// rule: agent_without_model
MATCH (a:Agent {name: 'devops-agent-3'})-[s:SPEAKS_WITH]->(:Model)
DELETE s;

// rule: agent_with_former_default
MATCH (m:Model {isDefault: true})
SET m.isDefault = false;

// rule: agent_bound_twice
MATCH (a:Agent {name: 'devops-agent-3'})
UNWIND [1, 2] AS i
CREATE (a)-[:BOUND_TO]->(:Endpoint {id: 'end_' + i, name: 'e' + i, url: 'http://e/v1'});

// rule: several_default_models
CREATE (:Model {id: 'mdl_2', name: 'second', rehearsal: false, isDefault: true});

// rule: rehearsal_model_served
MATCH (m:Model {rehearsal: true}), (e:Endpoint {name: 'default'})
CREATE (m)-[:SERVED_BY]->(e);

// rule: model_served_twice
MATCH (m:Model {isDefault: true})-[:SERVED_BY]->(e:Endpoint)
CREATE (m)-[:SERVED_BY]->(e);

// rule: endpoint_with_foreign_key
CREATE (:Endpoint {id: 'end_1', name: 'e', url: 'http://e/v1', apiKeyVariable: 'NEO4J_PASSWORD'});

// rule: idempotency_halved
MATCH (r:Role {name: 'DEVOPS'})
SET r.idempotencyKey = 'x/y/z';

// rule: deliberation_without_task
MATCH (:Deliberation:Decided)-[:ABOUT]->(t:Task)
DETACH DELETE t;

// rule: task_of_nothing
CREATE (:Task {id: 'tsk_1', description: 'x', requirements: []});

// rule: deliberation_without_seats
MATCH (:Deliberation:Queued)-[:SEATS]->(s:Seat)
DETACH DELETE s;

// rule: deliberation_without_council
MATCH (:Deliberation:Decided)<-[s:HELD]-(:Council)
DELETE s;

// rule: deliberation_keys_differ
MATCH (d:Deliberation:Decided)
SET d.role = 'QA';

// rule: deliberation_keys_differ, an external id that the task has not
MATCH (d:Queued {role: 'DATA'})
SET d.externalId = 'DATA';

// rule: deliberation_keys_differ, an external id that the task alone has
MATCH (:Queued {role: 'DATA'})-[:ABOUT]->(t:Task)
SET t.externalId = 'DATA';

// rule: deliberation_version_ahead
MATCH (d:Deliberation:Decided)
SET d.councilVersion = 100;

// rule: deliberation_seats_not_numbered
MATCH (:Deliberation:Queued)-[:SEATS]->(s:Seat {number: 2})
SET s.number = 3;

// rule: deliberation_quorum_unreachable
MATCH (d:Deliberation:Decided)
SET d.quorum = 0;

// rule: seat_without_deliberation
CREATE (:Seat {number: 1, temperature: 0.5, maxTokens: 5});

// rule: seat_without_agent
MATCH (:Deliberation:Queued)-[:SEATS]->(:Seat {number: 2})-[s:OF]->(:Agent)
DELETE s;

// rule: seat_bound_twice, to endpoints
MATCH (:Queued {role: 'DATA'})-[:SEATS]->(s:Seat {number: 2})
UNWIND [1, 2] AS i
CREATE (s)-[:BOUND_TO]->(:Endpoint {id: 'end_' + i, name: 'e' + i, url: 'http://e/v1'});

// rule: seat_bound_twice, to an endpoint and a removed one
MATCH (:Queued {role: 'DATA'})-[:SEATS]->(s:Seat {number: 2}), (e:Endpoint {name: 'default'})
CREATE (s)-[:BOUND_TO]->(e)
CREATE (s)-[:BOUND_TO]->(:RemovedEndpoint {id: 'end_1', name: 'e', url: 'http://e/v1', removedAt: datetime({timezone: 'UTC'})});

// rule: status_label_differs
MATCH (d:Deliberation:Decided)
SET d:Running;

// rule: status_label_differs, on what is no deliberation
MATCH (t:Task)
WITH t LIMIT 1
SET t:Queued;

// rule: status_label_differs, on nothing at all
CREATE (:Decided);

// rule: rehearsal_not_told
MATCH (d:Deliberation:Decided)
SET d.rehearsal = true;

// rule: deliberation_half_ended
MATCH (d:Deliberation:Decided)
SET d.finishedAt = null;

// rule: deliberation_not_started
MATCH (d:Deliberation:Decided)
SET d.startedAt = null;

// rule: turn_before_claim
MATCH (d:Queued {role: 'DATA'})-[:SEATS]->(s:Seat {number: 1})
MATCH (:Failed)-[:HAS_TURN]->(other:Proposal {seat: 1, round: 0})
CREATE (d)-[:HAS_TURN]->(t:Turn:Proposal)<-[:TOOK]-(s)
SET t = other {.*, id: 'trn_' + substring(d.id, 4) + '-p0-s1', sequence: 1},
  d.sequence = 1, d.promptTokens = t.promptTokens, d.cachedPromptTokens = t.cachedPromptTokens,
  d.completionTokens = t.completionTokens, d.calls = t.calls;

// rule: deliberation_nobody_seeks
MATCH (d:Deliberation:Queued)
SET d.waiting = null;

// rule: deliberation_nobody_seeks, in a place where nobody looks
MATCH (d:Queued {role: 'DATA'})
SET d.waiting = 9;

// rule: deliberation_nobody_seeks, in the place of what was under way
MATCH (d:Queued {role: 'DATA'})
SET d.waiting = d.waiting - 1;

// rule: deliberation_held_by_nobody
MATCH (d:Deliberation:Running)
SET d.holder = 'prc_none';

// rule: deliberation_held_by_nobody, but by a process that did not claim it
MATCH (d:Deliberation:Running)
CREATE (:Process {id: 'prc_2', host: 'h', startedAt: d.startedAt, leaseUntil: d.startedAt})
SET d.holder = 'prc_2';

// rule: sequence_not_whole, nothing has happened
MATCH (d:Queued {role: 'DATA'})
SET d.sequence = 1;

// rule: sequence_not_whole
MATCH (t:Turn {kind: 'CRITIQUE'})
WITH t LIMIT 1
SET t.sequence = t.sequence + 1;

// rule: epoch_without_claim
MATCH (d:Deliberation:Decided)
SET d.epoch = 2;

// rule: resumptions_miscounted
MATCH (d:Deliberation:Decided)
SET d.resumptions = 1;

// rule: usage_miscounted
MATCH (d:Deliberation:Decided)
SET d.promptTokens = d.promptTokens + 1;

// rule: budget_miscounted
MATCH (d:Deliberation:Decided)
SET d.tokensReserved = 1, d.tokensSettled = 2;

// rule: claim_without_process
MATCH (:Deliberation:Decided)-[:CLAIMED]->(:Claim)-[s:BY]->(:Process)
DELETE s;

// rule: turn_without_deliberation
MATCH (t:Turn:Ballot)
WITH t LIMIT 1
CREATE (lost:Turn:Ballot)
SET lost = t {.*, id: 'trn_1'};

// rule: turn_without_seat
MATCH (:Deliberation:Decided)-[:HAS_TURN]->(:Ballot)<-[s:TOOK]-(:Seat)
DELETE s;

// rule: turn_label_differs
MATCH (:Deliberation:Decided)-[:HAS_TURN]->(t:Critique)
SET t:Proposal;

// rule: turn_label_differs, on what is no turn
MATCH (r:Role {name: 'DEVOPS'})
SET r:Final;

// rule: absence_without_reason
MATCH (:Deliberation:Decided)-[:HAS_TURN]->(t:Ballot)
SET t.absence = 'x';

// rule: content_missing
MATCH (:Deliberation:Decided)-[:HAS_TURN]->(t:Ballot)
SET t.content = null;

// rule: content_left
MATCH (d:Deliberation:Decided)
SET d.prunedAt = d.finishedAt;

// rule: pruned_before_end
MATCH (d:Deliberation:Queued)
SET d.prunedAt = d.acceptedAt;

// rule: critique_without_target
MATCH (:Deliberation:Failed)-[:HAS_TURN]->(:Critique)-[s:CRITIQUES]->(:Proposal)
MATCH (:Proposal)-[answers:ANSWERS]->(:Critique)
DELETE s, answers;

// rule: critique_without_target, one that nobody made of the seat's own proposal
MATCH (d:Deliberation:Failed)-[:HAS_TURN]->(t:Critique {seat: 1})-[s:CRITIQUES]->(:Proposal)
MATCH (d)-[:HAS_TURN]->(own:Proposal {seat: 1, kind: 'PROPOSAL'})
MATCH (:Proposal)-[answers:ANSWERS]->(t)
SET t.outcome = 'ABSENT', t.absence = 'x'
DELETE s, answers
CREATE (t)-[:CRITIQUES]->(own);

// rule: revision_without_origin
MATCH (:Deliberation:Failed)-[:HAS_TURN]->(t:Proposal)-[s:REVISES]->(:Proposal)
MATCH (t)-[answers:ANSWERS]->(:Critique)
DELETE s, answers;

// rule: revision_without_origin, a proposal that nobody made and that revises one
MATCH (:Deliberation:Failed)-[:HAS_TURN]->(t:Proposal {seat: 1, kind: 'REVISION'})-[:REVISES]->(first:Proposal)
SET first.outcome = 'ABSENT', first.absence = 'x'
CREATE (first)-[:REVISES]->(first);

// rule: revision_without_origin, a revision that nobody made and that revises the proposal of another seat
MATCH (:Deliberation:Failed)-[:HAS_TURN]->(t:Proposal {seat: 1, kind: 'REVISION'})-[s:REVISES]->(:Proposal)
MATCH (:Deliberation:Failed)-[:HAS_TURN]->(other:Proposal {seat: 2, kind: 'PROPOSAL'})
MATCH (t)-[answers:ANSWERS]->(:Critique)
SET t.outcome = 'ABSENT', t.absence = 'x'
DELETE s, answers
CREATE (t)-[:REVISES]->(other);

// rule: answer_to_other_critique
MATCH (:Deliberation:Failed)-[:HAS_TURN]->(t:Proposal)-[:ANSWERS]->(:Critique)
MATCH (:Deliberation:Decided)-[:HAS_TURN]->(k:Critique)
WITH t, k LIMIT 1
CREATE (t)-[:ANSWERS]->(k);

// rule: answer_to_other_critique, the same one twice
MATCH (:Deliberation:Failed)-[:HAS_TURN]->(t:Proposal)-[:ANSWERS]->(k:Critique)
WITH t, k LIMIT 1
CREATE (t)-[:ANSWERS]->(k);

// rule: ballot_for_itself
MATCH (:Deliberation:Decided)-[:HAS_TURN]->(t:Ballot)-[s:RANKS {position: 1}]->(:Proposal)
MATCH (:Deliberation:Decided)-[:HAS_TURN]->(own:Proposal {seat: t.seat, kind: 'REVISION'})
DELETE s
CREATE (t)-[:RANKS {position: 1}]->(own);

// rule: ballot_not_numbered
MATCH (:Deliberation:Decided)-[:HAS_TURN]->(:Ballot)-[s:RANKS {position: 1}]->(:Proposal)
SET s.position = 3;

// rule: ballot_not_numbered, of one that was cast without a choice
MATCH (:Deliberation:Failed)-[:HAS_TURN]->(t:Ballot {seat: 1})-[s:RANKS]->(:Proposal)
DELETE s;

// rule: verdict_without_end
MATCH (d:Deliberation:Decided)-[:REACHED]->(:Verdict)-[:RANKED {rank: 1}]->(p)
CREATE (d)-[:REACHED]->(v:Verdict {id: 'vrd_1', margin: 0.5, partial: false, decision: 'BALLOTS', decidedAt: d.finishedAt})
CREATE (v)-[:RANKED {rank: 1, score: 1.0, votes: 1}]->(p), (v)-[:CHOSE]->(p);

// rule: verdict_without_deliberation
MATCH (:Verdict)-[:RANKED {rank: 1}]->(p)
CREATE (v:Verdict {id: 'vrd_1', margin: 0.5, partial: false, decision: 'BALLOTS', decidedAt: datetime({timezone: 'UTC'})})
CREATE (v)-[:RANKED {rank: 1, score: 1.0, votes: 1}]->(p), (v)-[:CHOSE]->(p);

// rule: verdict_of_another
MATCH (:Deliberation:Decided)-[:REACHED]->(v:Verdict)-[s:RANKED {rank: 3}]->(p:Proposal)
MATCH (:Deliberation:Failed)-[:HAS_TURN]->(other:Proposal {seat: p.seat, kind: 'REVISION'})
DELETE s
CREATE (v)-[:RANKED {rank: 3, score: 0.0, votes: 0}]->(other)
SET other:Final
REMOVE p:Final;

// rule: winner_not_first
MATCH (v:Verdict)-[s:CHOSE]->(), (v)-[:RANKED {rank: 2}]->(second)
DELETE s
CREATE (v)-[:CHOSE]->(second);

// rule: ranking_not_numbered
MATCH (:Verdict)-[s:RANKED {rank: 3}]->()
SET s.rank = 4;

// rule: final_not_ranked
MATCH (:Deliberation:Decided)-[:HAS_TURN]->(t:Proposal {round: 0})
SET t:Final;

// rule: unknown_label
MATCH (r:Role {name: 'DEVOPS'})
SET r:Thing;

// rule: unknown_property
MATCH (r:Role {name: 'DEVOPS'})
SET r.thing = 1;

// rule: missing_property
MATCH (a:Agent {name: 'devops-agent-3'})
SET a.maxTokens = null;

// rule: wrong_type
MATCH (a:Agent {name: 'devops-agent-3'})
SET a.temperature = 1;

// rule: wrong_value
MATCH (c:Council {servesRole: 'DEVOPS'})
SET c.protocol = 'DUEL';

// rule: wrong_id
MATCH (r:Role {name: 'DEVOPS'})
SET r.id = 'cou_1';

// rule: local_time
MATCH (c:Council {servesRole: 'DEVOPS'})
SET c.updatedAt = datetime('2026-01-01T00:00:00+02:00');

// rule: unknown_relationship
MATCH (r:Role {name: 'DEVOPS'}), (m:Model {isDefault: true})
CREATE (r)-[:SPEAKS_WITH]->(m);

// rule: wrong_relationship_property
MATCH (a:Agent {name: 'devops-agent-3'})-[s:SPEAKS_WITH]->(:Model)
SET s.since = 1

// rule: retry_of_another_task
MATCH (:Queued)-[r:RETRIES]->(:Cancelled), (other:Queued {role: 'DATA'}), (old:Failed)
CREATE (other)-[:RETRIES]->(old);
