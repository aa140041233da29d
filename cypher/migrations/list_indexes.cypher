// List all indexes: what they are of, and how far each is filled, which Neo4j does beside the transactions. A constraint has one of its name.
// parameters: none
// returns: name, type, entity, labels, properties, constraint (whether it is one's),
//   state, percent (of the nodes, as far as they are known), failure (the server's words, where it gave up),
//   remove and create (what makes the index anew)
SHOW INDEXES
YIELD name, type, entityType, labelsOrTypes, properties, owningConstraint, state, populationPercent, failureMessage, createStatement
RETURN name, type, entityType AS entity, coalesce(labelsOrTypes, []) AS labels, coalesce(properties, []) AS properties,
  owningConstraint IS NOT NULL AS constraint,
  state, populationPercent AS percent, failureMessage AS failure,
  'DROP ' + CASE WHEN owningConstraint IS NULL THEN 'INDEX ' ELSE 'CONSTRAINT ' END + name AS remove,
  createStatement AS create
ORDER BY name
