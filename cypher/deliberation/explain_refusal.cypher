// Say what stood in the way of an acceptance.
// $council, $role: as they were sought, one of them null
// Columns: council: the id of the council found, archived or not; serves: whether it serves its role; seats: how many agents sit on it;
// role: the id of the role found; meant: the name of one that is written with other capitals
OPTIONAL MATCH (by_id:Council {id: $council})
OPTIONAL MATCH (by_role:Council {servesRole: $role})
OPTIONAL MATCH (role:Role {name: $role})
OPTIONAL MATCH (alike:Role {name: toUpper($role)})
WITH coalesce(by_id, by_role) AS council, role, alike
RETURN council.id AS council, council.servesRole IS NOT NULL AS serves,
  CASE WHEN council IS NULL THEN 0 ELSE COUNT { (council)<-[:SITS_ON]-(:Agent) } END AS seats, role.id AS role,
  alike.name AS meant
