// List what the migrations made.
// parameters: none
// returns: name, type, labels, properties, owner (the constraint that an index belongs to)
SHOW INDEXES YIELD name, type, labelsOrTypes, properties, owningConstraint
RETURN name, type, labelsOrTypes AS labels, properties, owningConstraint AS owner
ORDER BY name
