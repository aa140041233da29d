// Let the graph look as if a later version had migrated it.
// $name
// returns: nothing
CREATE (:Migration {name: $name, checksum: '', appliedAt: datetime()})
