// Count what a council held, from the degree of its node.
// $council
// Column: total
OPTIONAL MATCH (c:Council {id: $council})
RETURN CASE WHEN c IS NULL THEN 0 ELSE COUNT { (c)-[:HELD]->() } END AS total
