// End every other transaction, as an operator may.
// Column: message, a row each; no row where there is none
SHOW TRANSACTIONS YIELD transactionId AS other, database, currentQuery
WHERE database <> 'system' AND NOT currentQuery CONTAINS 'SHOW TRANSACTIONS'
TERMINATE TRANSACTIONS other YIELD message
RETURN message
