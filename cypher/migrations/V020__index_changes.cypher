// What has changed since a moment is found by when it did: a deliberation comes to each status once, and a council says when it last changed.
CREATE INDEX deliberation_accepted_at IF NOT EXISTS FOR (n:Deliberation) ON (n.acceptedAt);
CREATE INDEX deliberation_started_at IF NOT EXISTS FOR (n:Deliberation) ON (n.startedAt);
CREATE INDEX deliberation_finished_at IF NOT EXISTS FOR (n:Deliberation) ON (n.finishedAt);
CREATE INDEX council_updated_at IF NOT EXISTS FOR (n:Council) ON (n.updatedAt);
