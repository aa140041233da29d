// Count the councils that serve or served a role.
// $role: the role's name; $includeArchived; $nameContains: part of a name in any case, or null
// returns: total
MATCH (r:Role {name: $role})<-[:SERVES]-(c:Council)
// From the role: a plan made while there were few councils would walk through all of them.
USING INDEX r:Role(name)
WHERE
  ($includeArchived OR c.servesRole IS NOT NULL)
  AND ($nameContains IS NULL OR toLower(c.name) CONTAINS toLower($nameContains))
RETURN count(c) AS total
