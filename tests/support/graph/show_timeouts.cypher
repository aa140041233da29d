// Show the server's bounds of locks and transactions.
// parameters: none
// returns: name, value
SHOW SETTINGS YIELD name, value
WHERE name IN ['db.lock.acquisition.timeout', 'db.transaction.timeout']
RETURN name, value
ORDER BY name
