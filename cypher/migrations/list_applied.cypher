// List the migrations that this graph has seen.
// parameters: none
// returns: name, checksum
MATCH (m:Migration)
RETURN m.name AS name, m.checksum AS checksum
ORDER BY name
