// Count what the councils of a role held, from the degrees of their nodes.
// $role
// Column: total
MATCH (:Role {name: $role})<-[:SERVES]-(c:Council)
RETURN sum(COUNT { (c)-[:HELD]->() }) AS total
