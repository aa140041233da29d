// Show everything in the graph, but for marks and locks, so that two graphs can be compared.
// parameters: none
// returns: what (labels or a type), which (ids; of a seat, its deliberation's and its number), properties: [name, value], instants as seconds
//   and nanoseconds
MATCH (n)
WHERE NOT n:Migration AND NOT n:Lock AND NOT n:Seeding
UNWIND labels(n) AS label
WITH n, label
ORDER BY label
WITH n, collect(label) AS what
RETURN
  what, [CASE WHEN n:Seat THEN head([(d)-[:SEATS]->(n) | d.id]) + '#' + n.number ELSE n.id END] AS which,
  [
    key IN keys(n) WHERE key <> 'lock' |
    [key, CASE WHEN n[key] IS :: ZONED DATETIME NOT NULL THEN [n[key].epochSeconds, n[key].nanosecond] ELSE n[key] END]
  ] AS properties
UNION ALL
MATCH (a)-[r]->(b)
RETURN
  [type(r)] AS what,
  [
    n IN [a, b] |
    CASE WHEN n:Seat THEN head([(d)-[:SEATS]->(n) | d.id]) + '#' + n.number ELSE n.id END
  ] AS which,
  [key IN keys(r) | [key, r[key]]] AS properties
