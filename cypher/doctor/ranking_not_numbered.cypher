// A verdict's ranks count from 1, each once, by falling score.
// parameters: none
// returns: ids (verdict), one row a violation
MATCH (v:Verdict)-[r:RANKED]->()
WITH v, r
ORDER BY r.rank
WITH v, collect(r.rank) AS ranks, collect(r.score) AS scores
WHERE
  ranks <> range(1, size(ranks))
  OR any(i IN range(1, size(scores) - 1) WHERE scores[i] > scores[i - 1])
RETURN [v.id] AS ids
