// List the migrations that this graph has seen.
// parameters: none
// returns: name, checksum
MATCH (m:Migration)
// By the index, where there is one: who enters asks this beside all that runs, and nothing of that scans a label.
WHERE m.name > ''
RETURN m.name AS name, m.checksum AS checksum
ORDER BY name
