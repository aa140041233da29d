// Leave the mark by which the graph is never seeded again, whatever becomes of the councils. Under the lock of the migrations.
// $councils: how many were made
// returns: nothing
CREATE (:Seeding {at: datetime.realtime('UTC'), councils: $councils})
