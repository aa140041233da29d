// End the transactions that wait for a lock, as an operator would.
// Column: message, a row each; no row where none waits
SHOW TRANSACTIONS YIELD transactionId AS blocked, status
WHERE status STARTS WITH 'Blocked'
TERMINATE TRANSACTIONS blocked YIELD message
RETURN message
