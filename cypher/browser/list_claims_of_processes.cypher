// What each process took up, and what it took over from one that had left it; the newest processes first.
// parameters: none
// Every column of the index on `holder` is named, or all deliberations would be read for each process.
// returns: process, host, startedAt, leaseUntil, claims, resumed (claims that took over), holds (deliberations it has now)
MATCH (p:Process)
WITH p
ORDER BY p.startedAt DESC
LIMIT 25
OPTIONAL MATCH (p)<-[:BY]-(k:Claim)
WITH p, count(k) AS claims, sum(CASE WHEN k.resumed THEN 1 ELSE 0 END) AS resumed
RETURN
  p.id AS process, p.host AS host, p.startedAt AS startedAt, p.leaseUntil AS leaseUntil, claims, resumed,
  COUNT { MATCH (d:Deliberation) WHERE d.holder = p.id AND d.role IS NOT NULL } AS holds
ORDER BY startedAt DESC
