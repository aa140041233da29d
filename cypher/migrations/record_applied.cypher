// Write down that a migration was applied.
// $name, $checksum: of the migration
// returns: nothing
MERGE (m:Migration {name: $name})
ON CREATE SET m.checksum = $checksum, m.appliedAt = datetime.realtime('Z')
