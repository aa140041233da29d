// A deliberation that was pruned has no content but that of the winning proposal.
// parameters: none
// returns: ids (turn), one row a violation
MATCH (d:Deliberation)-[:HAS_TURN]->(t:Turn)
WHERE
  d.prunedAt IS NOT NULL AND d.pruning IS NULL AND (t.content IS NOT NULL OR t.reasoning IS NOT NULL)
  AND NOT EXISTS { (t)<-[:CHOSE]-(:Verdict) }
RETURN [t.id] AS ids
