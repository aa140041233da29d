// Count the councils that serve or served a role.
// $role: the role's name; $includeArchived; $nameContains: part of a name in any case, or null
// returns: total
MATCH (r:Role {name: $role})<-[:SERVES]-(c:Council)
USING INDEX SEEK r:Role(name)
WHERE
  ($includeArchived OR c.servesRole IS NOT NULL)
  AND ($nameContains IS NULL OR toLower(c.name) CONTAINS toLower($nameContains))
RETURN count(c) AS total
