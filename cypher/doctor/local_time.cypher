// Every instant is kept in UTC.
// parameters: none
// returns: ids (node, property), one row a violation
MATCH (n)
UNWIND keys(n) AS key
WITH n, key
WHERE valueType(n[key]) = 'ZONED DATETIME NOT NULL' AND n[key].offsetSeconds <> 0
RETURN [coalesce(toStringOrNull(n.id), elementId(n)), key] AS ids
