// Give a role a property that nobody knows.
// $name: of the role
// returns: nothing
MATCH (r:Role {name: $name})
SET r.odd = 1
