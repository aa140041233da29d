// Show for how long transaction logs are kept, or how many.
// Column: value
SHOW SETTINGS 'db.tx_log.rotation.retention_policy' YIELD value RETURN value
