// List what was kept.
// parameters: none
// returns: text
MATCH (n:Note)
RETURN n.text AS text
ORDER BY text
