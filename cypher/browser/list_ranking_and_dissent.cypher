// The ranking of the deliberation that was accepted last, of those with a verdict, and who of those that could have put each proposal first did so or did not.
// parameters: none
// returns: rank, score, agent, says (how it begins), for (agents that put it first), others (agents that ranked it lower)
MATCH (d:Decided)
WITH d
ORDER BY d.id DESC
LIMIT 1
MATCH (d)-[:REACHED]->(:Verdict)-[ranked:RANKED]->(p:Proposal)<-[:TOOK]-(:Seat)-[:OF]->(author:Agent)
CALL (p) {
  OPTIONAL MATCH (p)<-[ranks:RANKS]-(:Ballot)<-[:TOOK]-(:Seat)-[:OF]->(voter:Agent)
  WITH voter, ranks
  ORDER BY voter.name
  RETURN
    collect(CASE WHEN ranks.position = 1 THEN voter.name END) AS for,
    collect(CASE WHEN ranks.position > 1 THEN voter.name END) AS others
}
RETURN ranked.rank AS rank, ranked.score AS score, author.name AS agent, left(p.content, 120) AS says, for, others
ORDER BY rank
