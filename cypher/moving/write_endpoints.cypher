// Write endpoints; one whose name is there stays as it is, but takes a key where it has none. Under the lock of the migrations.
// $rows: [{properties, takes}]; takes: what one that is there takes on, such as the id
// returns: nothing
UNWIND $rows AS row
MERGE (e:Endpoint {name: row.properties.name})
ON CREATE SET e = row.properties
ON MATCH SET e += row.takes
// The digest comes with the key, and before it.
SET e.inputDigest = CASE WHEN e.idempotencyKey IS NULL THEN row.properties.inputDigest ELSE e.inputDigest END
SET e.idempotencyKey = coalesce(e.idempotencyKey, row.properties.idempotencyKey)
