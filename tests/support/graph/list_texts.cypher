// List the strings in the graph that have a mark, but for those of the migrations.
// $mark
// Column: texts
CALL () {
  MATCH (n)
  WHERE NOT n:Migration AND NOT n:Lock
  RETURN properties(n) AS held
  UNION ALL
  MATCH ()-[r]->()
  RETURN properties(r) AS held
}
UNWIND keys(held) AS name
UNWIND CASE WHEN held[name] IS :: LIST<ANY> THEN held[name] ELSE [held[name]] END AS value
WITH toStringOrNull(value) AS text
WHERE text CONTAINS $mark
RETURN collect(text) AS texts
