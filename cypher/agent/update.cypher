// Change an agent. It is locked by `agent/lock`.
// $id; $persona, $temperature, $maxTokens, $metadata: all as they are to be
// returns: nothing
MATCH (a:Agent {id: $id})
SET a.persona = $persona, a.temperature = $temperature, a.maxTokens = $maxTokens, a.metadata = $metadata
