// A council has exactly one role that it serves or served.
// parameters: none
// returns: ids (council), one row a violation
MATCH (c:Council)
WHERE COUNT { (c)-[:SERVES]->(:Role) } <> 1
RETURN [c.id] AS ids
