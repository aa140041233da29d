// Leave the mark by which a graph is never seeded, where there is none: what is imported is what it begins with. Under the lock of the migrations.
// parameters: none
// returns: nothing
OPTIONAL MATCH (s:Seeding)
WITH s
WHERE s IS NULL
CREATE (:Seeding {at: datetime.realtime('UTC'), councils: 0})
