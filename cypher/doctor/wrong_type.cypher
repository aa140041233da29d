// A property has a value of its type.
// $types: of each label the properties with the types that they may have
// returns: ids (node, property), one row a violation
MATCH (n)
UNWIND labels(n) AS label
WITH n, $types[label] AS types
UNWIND keys(types) AS key
WITH n, key, types[key] AS accepted
WHERE n[key] IS NOT NULL AND NOT valueType(n[key]) IN accepted
RETURN [coalesce(toStringOrNull(n.id), elementId(n)), key] AS ids
