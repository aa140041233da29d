// List what deliberations were accepted with.
// Columns: version: the council's; personas: of its seats, each once
MATCH (d:Deliberation)-[:SEATS]->(s:Seat)
RETURN d.id AS deliberation, d.councilVersion AS version, collect(DISTINCT s.persona) AS personas
