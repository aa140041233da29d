// Change an agent. It is locked by `agent/lock`.
// $id; $persona, $temperature, $maxTokens, $metadata: all as they are to be; $updatedBy: who changes it, or null
// returns: nothing
MATCH (a:Agent {id: $id})
SET a.persona = $persona, a.temperature = $temperature, a.maxTokens = $maxTokens, a.metadata = $metadata,
  a.updatedBy = $updatedBy
