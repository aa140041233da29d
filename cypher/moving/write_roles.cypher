// Write roles; one whose name is there stays, takes a key where it has none, and counts its default names on from the higher number.
// Under the lock of the migrations.
// $rows: [{properties, takes}]; takes: what one that is there takes on, such as the id
// returns: nothing
UNWIND $rows AS row
MERGE (r:Role {name: row.properties.name})
ON CREATE SET r = row.properties
// The write lock, with a constant; the numbers are read under it.
SET r.lock = true
WITH r, row
SET r += row.takes
// The digest comes with the key, and before it.
SET r.inputDigest = CASE WHEN r.idempotencyKey IS NULL THEN row.properties.inputDigest ELSE r.inputDigest END
SET r.idempotencyKey = coalesce(r.idempotencyKey, row.properties.idempotencyKey)
SET r.agentsNamed = CASE WHEN r.agentsNamed < row.properties.agentsNamed THEN row.properties.agentsNamed ELSE r.agentsNamed END
SET r.councilsNamed = CASE WHEN r.councilsNamed < row.properties.councilsNamed THEN row.properties.councilsNamed ELSE r.councilsNamed END
