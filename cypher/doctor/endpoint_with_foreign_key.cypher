// An endpoint's key variable begins with COUNCIL_KEY_, or is VLLM_API_KEY for the endpoint `default`.
// parameters: none
// returns: ids (endpoint), one row a violation
MATCH (e:Endpoint)
WHERE NOT e.apiKeyVariable STARTS WITH 'COUNCIL_KEY_' AND NOT (e.name = 'default' AND e.apiKeyVariable = 'VLLM_API_KEY')
RETURN [e.id] AS ids
