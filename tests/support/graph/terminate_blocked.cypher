// End the transactions that wait for a lock, as an operator may.
// Column: message, a row each; no row where there is none
SHOW TRANSACTIONS YIELD transactionId AS other, status
WHERE status STARTS WITH 'Blocked'
TERMINATE TRANSACTIONS other YIELD message
RETURN message
