// Every node has a label that means something here.
// $types: the properties of each label
// returns: ids (node, label), one row a violation
MATCH (n)
WHERE labels(n) = []
RETURN [elementId(n), ''] AS ids
UNION ALL
MATCH (n)
UNWIND labels(n) AS label
WITH n, label
WHERE $types[label] IS NULL
RETURN [elementId(n), label] AS ids
