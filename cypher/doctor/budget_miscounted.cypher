// A deliberation with a token budget counts what was reserved and what of that is settled, which is no more; one without counts neither.
// parameters: none
// returns: ids (deliberation), one row a violation
MATCH (d:Deliberation)
WITH d, d.tokenBudget IS NOT NULL AS limited
WHERE
  (d.tokensReserved IS NOT NULL) <> limited OR (d.tokensSettled IS NOT NULL) <> limited
  OR (limited AND (d.tokenBudget < 1 OR d.tokensSettled < 0 OR d.tokensSettled > d.tokensReserved))
RETURN [d.id] AS ids
