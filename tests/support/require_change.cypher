// Lets a user of Neo4j in, and do nothing before his password is another.
// Parameters: $name.
ALTER USER $name SET PASSWORD CHANGE REQUIRED
