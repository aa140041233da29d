// A turn has the label of its kind, and nothing else has one; a revision is a proposal.
// parameters: none
// returns: ids (node), one row a violation
MATCH (t:Turn)
WHERE [label IN labels(t) WHERE NOT label IN ['Turn', 'Final']] <>
  [CASE t.kind
    WHEN 'PROPOSAL' THEN 'Proposal' WHEN 'REVISION' THEN 'Proposal' WHEN 'CRITIQUE' THEN 'Critique' WHEN 'BALLOT' THEN 'Ballot' ELSE t.kind
  END]
RETURN [t.id] AS ids
UNION ALL
MATCH (n:Proposal|Critique|Ballot|Final)
WHERE NOT n:Turn
RETURN [coalesce(toStringOrNull(n.id), elementId(n))] AS ids
