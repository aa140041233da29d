// Count what the councils of a role held, from the degrees of their nodes.
// $role
// Column: total
MATCH (r:Role {name: $role})<-[:SERVES]-(c:Council)
USING INDEX SEEK r:Role(name)
RETURN sum(COUNT { (c)-[:HELD]->() }) AS total
