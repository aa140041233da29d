// Changes the password of a user of Neo4j; connections that are open stay so.
// Parameters: $name, $password.
ALTER USER $name SET PASSWORD $password
