// A relationship has a type that means something between its two nodes.
// $relationships: [type, label, label]
// returns: ids (node, type, node), one row a violation
MATCH (a)-[r]->(b)
WHERE none(known IN $relationships WHERE type(r) = known[0] AND known[1] IN labels(a) AND known[2] IN labels(b))
RETURN [coalesce(toStringOrNull(a.id), elementId(a)), type(r), coalesce(toStringOrNull(b.id), elementId(b))] AS ids
