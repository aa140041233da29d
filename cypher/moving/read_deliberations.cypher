// Read deliberations whole as list_deliberations does.
// $ids: of the deliberations
// Columns: id, properties, councils, retries, tasks, seats, turns, claims, verdicts
UNWIND $ids AS id
MATCH (d:Deliberation {id: id})
RETURN d.id AS id, [key IN keys(d) | [key, CASE WHEN d[key] IS :: ZONED DATETIME NOT NULL THEN toString(d[key]) ELSE d[key] END]] AS properties,
  [(c:Council)-[:HELD]->(d) | c.id] AS councils, [(d)-[:RETRIES]->(o:Deliberation) | o.id] AS retries,
  [(d)-[:ABOUT]->(t:Task) | [key IN keys(t) | [key, CASE WHEN t[key] IS :: ZONED DATETIME NOT NULL THEN toString(t[key]) ELSE t[key] END]]] AS tasks,
  [(d)-[:SEATS]->(s:Seat) | [[key IN keys(s) | [key, CASE WHEN s[key] IS :: ZONED DATETIME NOT NULL THEN toString(s[key]) ELSE s[key] END]],
    [(s)-[:OF]->(a:Agent) | a.id], [(s)-[:SPEAKS_WITH]->(m:Model) | m.name],
    [(s)-[:BOUND_TO]->(e:Endpoint) | e.name], [(s)-[:BOUND_TO]->(e:RemovedEndpoint) | e.id]]] AS seats,
  [(d)-[:HAS_TURN]->(t:Turn) | [[key IN keys(t) | [key, CASE WHEN t[key] IS :: ZONED DATETIME NOT NULL THEN toString(t[key]) ELSE t[key] END]],
    [(:Seat)-[:TOOK]->(t) | 1], [(t)-[:CRITIQUES]->(o:Turn) | o.id], [(t)-[:REVISES]->(o:Turn) | o.id], [(t)-[:ANSWERS]->(o:Turn) | o.id],
    [(t)-[r:RANKS]->(o:Turn) | [r.position, o.id]]]] AS turns,
  [(d)-[:CLAIMED]->(k:Claim) | [[key IN keys(k) | [key, CASE WHEN k[key] IS :: ZONED DATETIME NOT NULL THEN toString(k[key]) ELSE k[key] END]], [(k)-[:BY]->(o:Process) | o.id]]] AS claims,
  [(d)-[:REACHED]->(v:Verdict) | [[key IN keys(v) | [key, CASE WHEN v[key] IS :: ZONED DATETIME NOT NULL THEN toString(v[key]) ELSE v[key] END]],
    [(v)-[r:RANKED]->(o:Turn) | [r.rank, o.id, r.score, r.votes]], [(v)-[:CHOSE]->(o:Turn) | o.id]]] AS verdicts
