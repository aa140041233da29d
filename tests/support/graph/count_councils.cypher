// Count the councils.
// parameters: none
// returns: councils
MATCH (c:Council)
RETURN count(c) AS councils
