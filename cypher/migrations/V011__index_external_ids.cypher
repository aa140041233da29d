// A list like the others, and so by an index that ends with the time-ordered id; the name is copied from the task for it.
CREATE INDEX deliberation_external_id IF NOT EXISTS FOR (n:Deliberation) ON (n.externalId, n.id);
