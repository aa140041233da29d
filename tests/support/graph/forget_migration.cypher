// Let the graph look as if one migration had not been applied.
// $name: of the migration
// returns: nothing
MATCH (m:Migration {name: $name})
DELETE m
