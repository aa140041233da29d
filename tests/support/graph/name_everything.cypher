// Let the server know every name of the vocabulary, so that a statement which uses another one is told apart.
// $labels, $relationships, $properties
// returns: nothing
UNWIND $labels AS label
CALL db.createLabel(label)
WITH count(*) AS labels
UNWIND $relationships AS type
CALL db.createRelationshipType(type)
WITH count(*) AS types
UNWIND $properties AS key
CALL db.createProperty(key)
