// Let the endpoint `default` be what VLLM_URL says, and serve the default model.
// $url, $apiKeyVariable; $id: for the case that it is new
// returns: nothing
MERGE (e:Endpoint {name: 'default'})
ON CREATE SET e.id = $id
SET e.url = $url, e.apiKeyVariable = $apiKeyVariable
WITH e
MATCH (m:Model {isDefault: true})
// Its lock is had, as what is set has taken it; `model/serve` says why it is no MERGE.
WHERE NOT EXISTS { (m)-[:SERVED_BY]->(e) }
CREATE (m)-[:SERVED_BY]->(e)
