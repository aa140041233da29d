// Read what the settings VLLM_MODEL and VLLM_URL were at the last start.
// parameters: none
// returns: model (the default's name), url, apiKeyVariable (of the endpoint `default`), served (whether that serves the model),
//   rehearsal (whether the rehearsal model is there), left (whether an agent that named none speaks with a former default); null where there
//   is none
OPTIONAL MATCH (m:Model {isDefault: true})
OPTIONAL MATCH (e:Endpoint {name: 'default'})
RETURN
  m.name AS model, e.url AS url, e.apiKeyVariable AS apiKeyVariable, EXISTS { (m)-[:SERVED_BY]->(e) } AS served,
  EXISTS { (:Model {name: 'rehearsal', rehearsal: true}) } AS rehearsal,
  EXISTS {
    MATCH (a:Agent)-[:SPEAKS_WITH {default: true}]->(other)
    USING SCAN a:Agent
    WHERE NOT coalesce(other.isDefault, false)
  } AS left
