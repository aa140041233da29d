// Makes a user of Neo4j.
// Parameters: $name, $password.
CREATE USER $name SET PASSWORD $password CHANGE NOT REQUIRED
