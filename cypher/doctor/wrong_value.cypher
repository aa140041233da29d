// A property that names one of a few things has one of their names.
// $values: of each label the properties with what they may be
// returns: ids (node, property), one row a violation
MATCH (n)
UNWIND labels(n) AS label
WITH n, $values[label] AS values
UNWIND keys(values) AS key
WITH n, key, values[key] AS accepted
WHERE n[key] IS NOT NULL AND NOT n[key] IN accepted
RETURN [coalesce(toStringOrNull(n.id), elementId(n)), key] AS ids
