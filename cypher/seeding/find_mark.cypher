// Find out whether the graph was ever seeded, and whether it holds a council, served or archived.
// parameters: none
// returns: seeded, councils
OPTIONAL MATCH (s:Seeding)
WITH s IS NOT NULL AS seeded
LIMIT 1
RETURN seeded, EXISTS { (:Council) } AS councils
