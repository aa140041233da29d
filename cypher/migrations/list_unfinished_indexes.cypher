// List the indexes that cannot be used yet, or never will be: a new one is filled beside the transactions.
// $names: of the indexes that are ours
// returns: name, state, percent (of the nodes, as far as they are known), failure (the server's words, where it gave up),
//   remove and create (what makes the index anew)
SHOW INDEXES
YIELD name, state, populationPercent, owningConstraint, failureMessage, createStatement
WHERE state <> 'ONLINE' AND name IN $names
RETURN name, state, populationPercent AS percent, failureMessage AS failure,
  'DROP ' + CASE WHEN owningConstraint IS NULL THEN 'INDEX ' ELSE 'CONSTRAINT ' END + name AS remove,
  createStatement AS create
ORDER BY name
