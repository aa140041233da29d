// A turn says why its agent was absent where, and only where, he was.
// parameters: none
// returns: ids (turn), one row a violation
MATCH (t:Turn)
WHERE (t.outcome = 'ABSENT') <> (t.absence IS NOT NULL)
RETURN [t.id] AS ids
