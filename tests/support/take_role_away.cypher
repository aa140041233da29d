// Leaves a council without its role, which nothing of the service ever does.
// Parameters: $id.
MATCH (:Council {id: $id})-[serves:SERVES]->(:Role)
DELETE serves
