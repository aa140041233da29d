// Find the timeouts that are endless on this server, as they are by default: what is stuck there holds its locks for ever.
// parameters: none
// returns: name
SHOW SETTINGS 'db.lock.acquisition.timeout', 'db.transaction.timeout' YIELD name, value
WHERE value IN ['0s', '0']
RETURN name
ORDER BY name
