// Undo `record_unknown_migration`.
// $name
// returns: nothing
MATCH (m:Migration {name: $name})
DELETE m
