// Find endpoints by name, and lock them, so that none is removed while an agent is bound to it.
// $names
// returns: name
MATCH (e:Endpoint)
WHERE e.name IN $names
WITH e
ORDER BY e.name
// The write locks, with a constant, in order of the names.
SET e.lock = true
// Read again under the lock: who held it may have removed the endpoint, and then it has lost its label.
WITH e
WHERE e:Endpoint
RETURN e.name AS name
