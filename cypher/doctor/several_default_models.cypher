// There is one default model at most.
// parameters: none
// returns: ids (models), one row a violation
MATCH (m:Model {isDefault: true})
WITH collect(m.id) AS models
WHERE size(models) > 1
RETURN models AS ids
