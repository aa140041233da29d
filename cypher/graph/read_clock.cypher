// Read the server's clock.
// parameters: none
// Column: now
RETURN toString(datetime.realtime('Z')) AS now
