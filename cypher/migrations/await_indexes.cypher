// Wait until every index can be used: a new one is filled beside the transactions, and reads by it fail until then.
// $seconds: how long at most
// returns: nothing
CALL db.awaitIndexes($seconds)
