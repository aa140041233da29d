// An id begins with the letters of its label.
// $prefixes: of each label
// returns: ids (node), one row a violation
MATCH (n)
UNWIND labels(n) AS label
WITH n, $prefixes[label] AS prefix
WHERE NOT n.id STARTS WITH prefix + '_'
RETURN [n.id] AS ids
