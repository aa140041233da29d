// A council either serves its role or is archived.
// parameters: none
// returns: ids (council), one row a violation
MATCH (c:Council)
WHERE (c.servesRole IS NULL) <> (c.archivedAt IS NOT NULL)
RETURN [c.id] AS ids
