// Write processes, each once.
// $rows: [{properties, instants}]; instants: [name, text] of each
// returns: nothing
UNWIND $rows AS row
WITH row
WHERE NOT EXISTS { (:Process {id: row.properties.id}) }
CREATE (p:Process)
SET p = row.properties
FOREACH (instant IN row.instants | SET p[instant[0]] = datetime(instant[1]))
