// What a claim looks for. Both properties exist only while they say something, so neither index grows with history:
// `waiting` while nobody holds a deliberation that has not ended, `holder` while a process does.
CREATE INDEX deliberation_waiting IF NOT EXISTS FOR (n:Deliberation) ON (n.waiting, n.role, n.id);
CREATE INDEX deliberation_holder IF NOT EXISTS FOR (n:Deliberation) ON (n.holder, n.role);
