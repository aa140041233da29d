// Removes a user of Neo4j.
// Parameters: $name.
DROP USER $name
