// Find the agents that have a seat in a running deliberation.
// Column: busy: their ids, in one row
// Read from the few running deliberations, since an agent's past seats are many.
MATCH (d:Running)-[:SEATS]->(:Seat)-[:OF]->(busy:Agent)
USING SCAN d:Running
RETURN collect(DISTINCT busy.id) AS busy
