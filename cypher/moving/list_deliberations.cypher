// List deliberations whole for export, in pages by id.
// $after: the last id of the page before, or ''; $limit: how many; $turns: how many turns together, a task for four, but for one
// deliberation alone: a page is held in memory, and a turn may have 32,768 tokens
// Columns: id; properties, tasks: [name, value] of each, instants as text; councils, retries: ids;
//   seats: [properties, agents, models, endpoints by name, removed endpoints by id];
//   turns: [properties, a 1 for each seat that took it, critiques, revises, answers, ranks: [position, turn]]; claims: [properties, processes];
//   verdicts: [properties, ranked: [rank, turn, score, votes], chose]
MATCH (d:Deliberation)
WHERE d.id > $after
WITH d
ORDER BY d.id
LIMIT $limit
WITH collect([d, COUNT { (d)-[:HAS_TURN]->() } + 4]) AS some
UNWIND range(0, size(some) - 1) AS i
WITH i, some[i][0] AS d, reduce(turns = 0, one IN some[..i + 1] | turns + one[1]) AS turns
WHERE i = 0 OR turns <= $turns
WITH d
ORDER BY i
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
