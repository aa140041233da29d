// Say what runs on the server, but for this.
// parameters: none
// returns: query, for how many milliseconds
SHOW TRANSACTIONS YIELD database, currentQuery, elapsedTime
WHERE database <> 'system' AND NOT currentQuery CONTAINS 'SHOW TRANSACTIONS'
RETURN currentQuery AS query, elapsedTime.milliseconds AS milliseconds
