// A node has every property that its labels cannot be without.
// $required: of each label
// returns: ids (node, property), one row a violation
MATCH (n)
UNWIND labels(n) AS label
UNWIND [key IN $required[label] WHERE n[key] IS NULL] AS key
RETURN [coalesce(toStringOrNull(n.id), elementId(n)), key] AS ids
