// A relationship has the properties of its type, and each is of its type.
// $relationshipTypes: of each type the properties with the types that they may have; $relationshipRequired
// returns: ids (node, type, node), one row a violation
MATCH (a)-[r]->(b)
WITH a, r, b, coalesce($relationshipTypes[type(r)], {}) AS types
WHERE
  any(key IN keys(r) WHERE types[key] IS NULL OR NOT valueType(r[key]) IN types[key])
  OR any(key IN $relationshipRequired[type(r)] WHERE r[key] IS NULL)
RETURN [coalesce(toStringOrNull(a.id), elementId(a)), type(r), coalesce(toStringOrNull(b.id), elementId(b))] AS ids
