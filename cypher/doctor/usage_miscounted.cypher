// A deliberation's usage is the sum of its turns'.
// parameters: none
// returns: ids (deliberation), one row a violation
MATCH (d:Deliberation)
CALL (d) {
  MATCH (d)-[:HAS_TURN]->(t:Turn)
  RETURN
    sum(t.promptTokens) AS prompt, sum(t.cachedPromptTokens) AS cached, sum(t.completionTokens) AS completion, sum(t.calls) AS calls
}
WITH d, prompt, cached, completion, calls
WHERE d.promptTokens <> prompt OR d.cachedPromptTokens <> cached OR d.completionTokens <> completion OR d.calls <> calls
RETURN [d.id] AS ids
