// What has to be unique. Community Edition has no other constraints: whatever has to exist is held by the code and by `council doctor`.
// Ids are the `id` of GraphQL. What is derived (turns, claims, verdicts) is one node even if it is recorded twice.
CREATE CONSTRAINT role_id IF NOT EXISTS FOR (n:Role) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT council_id IF NOT EXISTS FOR (n:Council) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT agent_id IF NOT EXISTS FOR (n:Agent) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT model_id IF NOT EXISTS FOR (n:Model) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT endpoint_id IF NOT EXISTS FOR (n:Endpoint) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT task_id IF NOT EXISTS FOR (n:Task) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT deliberation_id IF NOT EXISTS FOR (n:Deliberation) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT turn_id IF NOT EXISTS FOR (n:Turn) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT claim_id IF NOT EXISTS FOR (n:Claim) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT process_id IF NOT EXISTS FOR (n:Process) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT verdict_id IF NOT EXISTS FOR (n:Verdict) REQUIRE n.id IS UNIQUE;

// Names by which callers and operators speak of a thing.
CREATE CONSTRAINT role_name IF NOT EXISTS FOR (n:Role) REQUIRE n.name IS UNIQUE;
CREATE CONSTRAINT agent_name IF NOT EXISTS FOR (n:Agent) REQUIRE n.name IS UNIQUE;
CREATE CONSTRAINT model_name IF NOT EXISTS FOR (n:Model) REQUIRE n.name IS UNIQUE;
CREATE CONSTRAINT endpoint_name IF NOT EXISTS FOR (n:Endpoint) REQUIRE n.name IS UNIQUE;
CREATE CONSTRAINT migration_name IF NOT EXISTS FOR (n:Migration) REQUIRE n.name IS UNIQUE;

// Only while a council serves its role has it `servesRole`: so one serves at most, and archived ones are many.
CREATE CONSTRAINT council_serves_role IF NOT EXISTS FOR (n:Council) REQUIRE n.servesRole IS UNIQUE;

// A key that a caller sent twice, even at the same moment, makes one node.
CREATE CONSTRAINT role_idempotency_key IF NOT EXISTS FOR (n:Role) REQUIRE n.idempotencyKey IS UNIQUE;
CREATE CONSTRAINT council_idempotency_key IF NOT EXISTS FOR (n:Council) REQUIRE n.idempotencyKey IS UNIQUE;
CREATE CONSTRAINT agent_idempotency_key IF NOT EXISTS FOR (n:Agent) REQUIRE n.idempotencyKey IS UNIQUE;
CREATE CONSTRAINT endpoint_idempotency_key IF NOT EXISTS FOR (n:Endpoint) REQUIRE n.idempotencyKey IS UNIQUE;
CREATE CONSTRAINT deliberation_idempotency_key IF NOT EXISTS FOR (n:Deliberation) REQUIRE n.idempotencyKey IS UNIQUE;
