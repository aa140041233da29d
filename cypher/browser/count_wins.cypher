// Who wins how often, and how often would be chance: among equals each seat of a deliberation wins as often as any other.
// parameters: none
// returns: role, agent, seats (deliberations that were decided with him), wins, chance (wins to expect)
MATCH (d:Decided)-[:SEATS]->(s:Seat)-[:OF]->(a:Agent)
WITH d.role AS role, a, s, COUNT { (d)-[:SEATS]->(:Seat) } AS rivals
WITH
  role, a, rivals,
  toInteger(EXISTS { (s)-[:TOOK]->(:Proposal)<-[:CHOSE]-(:Verdict) }) AS won
RETURN role, a.name AS agent, count(*) AS seats, sum(won) AS wins, round(sum(1.0 / rivals), 1) AS chance
ORDER BY role, wins DESC, agent
