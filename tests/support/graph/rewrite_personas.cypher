// Give every agent of a council one persona and the council the version that it names, in one transaction.
// $council, $version
// Column: agents: how many
MATCH (c:Council {id: $council})
SET c.lock = true, c.version = $version
WITH c
MATCH (a:Agent)-[:SITS_ON]->(c)
SET a.persona = toString($version)
RETURN count(a) AS agents
