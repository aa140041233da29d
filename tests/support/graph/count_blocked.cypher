// Count the transactions that wait for a lock.
// Column: count
SHOW TRANSACTIONS YIELD status
WHERE status STARTS WITH 'Blocked'
RETURN count(*) AS count
