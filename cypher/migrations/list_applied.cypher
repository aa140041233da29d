// List the migrations of ours that this graph has seen; a node of somebody else's may have the label, too.
// parameters: none
// returns: name, checksum
MATCH (m:Migration)
WHERE m.name IS NOT NULL AND m.checksum IS NOT NULL
RETURN m.name AS name, m.checksum AS checksum
ORDER BY name
