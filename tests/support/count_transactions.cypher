// Count the transactions under way, this one among them.
// Column: count
SHOW TRANSACTIONS YIELD transactionId
RETURN count(*) AS count
