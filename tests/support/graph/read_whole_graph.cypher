// Read everything in the graph, but for the marks of the migrations.
// parameters: none
// returns: what (labels or a type), nodes (which), properties; in an order that is the same as long as nothing has changed
MATCH (n)
WHERE NOT n:Migration AND NOT n:Lock
RETURN labels(n) AS what, [elementId(n)] AS nodes, properties(n) AS properties
ORDER BY nodes
UNION ALL
MATCH (a)-[r]->(b)
RETURN [type(r)] AS what, [elementId(a), elementId(b)] AS nodes, properties(r) AS properties
ORDER BY what, nodes
