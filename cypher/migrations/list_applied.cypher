// List the migrations of ours that this graph has seen; a node of somebody else's may have the label, too.
// parameters: none
// returns: name, checksum
MATCH (m:Migration)
// By the index, where there is one: who enters asks this beside all that runs, and nothing of that scans a label.
WHERE m.name > '' AND m.checksum IS NOT NULL
RETURN m.name AS name, m.checksum AS checksum
ORDER BY name
