// Change an endpoint. It is locked by `endpoint/lock`.
// $id; $url, $apiKeyVariable: as they are to be; $updatedBy: who changes it, or null
// returns: nothing
MATCH (e:Endpoint {id: $id})
SET e.url = $url, e.apiKeyVariable = $apiKeyVariable, e.updatedBy = $updatedBy
