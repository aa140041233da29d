// Wait until the full text has all that was committed.
// parameters: none
// returns: nothing
CALL db.index.fulltext.awaitEventuallyConsistentIndexRefresh()
