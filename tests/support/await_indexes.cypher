// Wait until every index can be used.
CALL db.awaitIndexes(30)
