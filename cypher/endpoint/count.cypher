// Count the endpoints, under the lock that who registers one holds, so that those who do so at the same moment do not pass the bound together.
// parameters: none
// returns: endpoints (how many)
MERGE (l:Lock {name: 'endpoints'})
// The write lock, with a constant; a MERGE that only matches takes none. What is counted is counted under it.
SET l.lock = true
WITH l
MATCH (e:Endpoint)
RETURN count(e) AS endpoints
