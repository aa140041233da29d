// Remove an endpoint: it serves nothing and its name is free. The node stays, under another label, for the past seats that were bound to it.
// $id; $updatedBy: who removes it, or null
// returns: nothing
MATCH (e:Endpoint {id: $id})
OPTIONAL MATCH (:Model)-[served:SERVED_BY]->(e)
DELETE served
WITH DISTINCT e
OPTIONAL MATCH (:Agent)-[bound:BOUND_TO]->(e)
DELETE bound
WITH DISTINCT e
SET e:RemovedEndpoint, e.removedAt = datetime.realtime('UTC'), e.updatedBy = $updatedBy, e.listedModels = null
REMOVE e:Endpoint
