// Make a mark of a name.
// $name. Column: name
MERGE (m:Mark {name: $name})
RETURN m.name AS name
