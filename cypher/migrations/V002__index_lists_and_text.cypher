// Lists of deliberations go by these, newest first: each begins with what the list is of and ends with the time-ordered id.
CREATE INDEX deliberation_council IF NOT EXISTS FOR (n:Deliberation) ON (n.councilId, n.id);
CREATE INDEX deliberation_role IF NOT EXISTS FOR (n:Deliberation) ON (n.role, n.id);
CREATE INDEX deliberation_status IF NOT EXISTS FOR (n:Deliberation) ON (n.status, n.id);

// Tasks by the caller's own name for them, which need not be unique.
CREATE INDEX task_external_id IF NOT EXISTS FOR (n:Task) ON (n.externalId, n.id);

// Full text over tasks and last revisions. Eventually consistent: within the transaction it would make recording ten times slower.
CREATE FULLTEXT INDEX spoken_text IF NOT EXISTS FOR (n:Task|Final) ON EACH [n.description, n.context, n.content]
OPTIONS {indexConfig: {`fulltext.eventually_consistent`: true}};
