// Write down which numbers of default names were given. The role is locked by `role/lock`.
// $name: the role's; $agentsNamed, $councilsNamed
// returns: nothing
MATCH (r:Role {name: $name})
SET r.agentsNamed = $agentsNamed, r.councilsNamed = $councilsNamed
