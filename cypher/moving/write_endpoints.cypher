// Write endpoints; one whose name is there stays as it is. Under the lock of the migrations.
// $rows: [{properties, takes}]; takes: what one that is there takes on, such as the id
// returns: nothing
UNWIND $rows AS row
MERGE (e:Endpoint {name: row.properties.name})
ON CREATE SET e = row.properties
ON MATCH SET e += row.takes
