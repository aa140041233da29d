// Write endpoints that were removed, each once. Under the lock of the migrations, since nothing makes them unique.
// $rows: [{properties, instants}]; instants: [name, text] of each
// returns: nothing
UNWIND $rows AS row
WITH row
WHERE NOT EXISTS { (:RemovedEndpoint {id: row.properties.id}) }
CREATE (e:RemovedEndpoint)
SET e = row.properties
FOREACH (instant IN row.instants | SET e[instant[0]] = datetime(instant[1]))
