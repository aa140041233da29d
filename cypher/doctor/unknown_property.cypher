// A node has only the properties of its labels.
// $types: the properties of each label
// returns: ids (node, property), one row a violation
MATCH (n)
WITH n, reduce(known = [], label IN labels(n) | known + coalesce(keys($types[label]), keys(n))) AS known
UNWIND [key IN keys(n) WHERE NOT key IN known] AS key
RETURN [coalesce(toStringOrNull(n.id), elementId(n)), key] AS ids
