// Make the models that agents name, where they are new.
// $models: [{name, id}], in order of the names; id is what it gets if it is new
// returns: nothing
// Neo4j locks each name, so that who makes some of the same waits before the first of them.
UNWIND $models AS row
MERGE (m:Model {name: row.name})
ON CREATE SET m.id = row.id, m.rehearsal = false
