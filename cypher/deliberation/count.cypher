// Count all deliberations, from the count store.
// Column: total
MATCH (d:Deliberation)
RETURN count(d) AS total
