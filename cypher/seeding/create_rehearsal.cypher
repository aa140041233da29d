// Make sure that there is the model that stands in where no VLLM_URL is set. It has no endpoint: each process answers for it itself.
// $id: for the case that it is new
// returns: nothing
MERGE (m:Model {name: 'rehearsal'})
ON CREATE SET m.id = $id
SET m.rehearsal = true
