// A turn that was taken has its content, unless its deliberation was pruned and it is not the winning proposal.
// parameters: none
// returns: ids (turn), one row a violation
MATCH (d:Deliberation)-[:HAS_TURN]->(t:Turn {outcome: 'TAKEN'})
WHERE t.content IS NULL AND (d.prunedAt IS NULL OR EXISTS { (t)<-[:CHOSE]-(:Verdict) })
RETURN [t.id] AS ids
