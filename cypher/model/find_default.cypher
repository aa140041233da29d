// Find the model that agents speak with who name none.
// parameters: none
// returns: id, name
MATCH (m:Model {isDefault: true})
RETURN m.id AS id, m.name AS name
