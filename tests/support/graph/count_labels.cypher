// Count the nodes of each set of labels.
// Columns: labels, count; in order of labels
MATCH (n)
WHERE NOT n:Migration AND NOT n:Lock
RETURN labels(n) AS labels, count(*) AS count
ORDER BY labels
