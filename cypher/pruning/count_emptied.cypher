// Count the turns whose contents would go, were deliberations emptied.
// $ids
// Column: turns
UNWIND $ids AS id
MATCH (d:Deliberation {id: id})-[:HAS_TURN]->(turn:Turn)
USING INDEX SEEK d:Deliberation(id)
WHERE (turn.content IS NOT NULL OR turn.reasoning IS NOT NULL) AND NOT EXISTS { (turn)<-[:CHOSE]-(:Verdict) }
RETURN count(turn) AS turns
