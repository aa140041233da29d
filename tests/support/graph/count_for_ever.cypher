// Count for longer than anybody waits.
// parameters: none
// returns: count
UNWIND range(1, 1000000) AS a
UNWIND range(1, 1000000) AS b
WITH a, b
WHERE a + b < 0
RETURN count(*) AS count
