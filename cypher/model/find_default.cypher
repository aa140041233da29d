// Find the model that agents speak with who name none.
// parameters: none
// returns: id
MATCH (m:Model {isDefault: true})
RETURN m.id AS id
