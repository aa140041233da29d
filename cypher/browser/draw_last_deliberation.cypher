// The deliberation that was accepted last, of those with a verdict, as a picture: who took which turn, what it was about, and what the ballots and the verdict made of it.
// parameters: none
// returns: paths to be drawn
MATCH (d:Decided)
WITH d
ORDER BY d.id DESC
LIMIT 1
MATCH task = (d)-[:ABOUT]->(:Task)
MATCH turn = (:Agent)<-[:OF]-(:Seat)-[:TOOK]->(t:Turn)<-[:HAS_TURN]-(d)
OPTIONAL MATCH about = (t)-[:REVISES|CRITIQUES|ANSWERS|RANKS]->(:Turn)
OPTIONAL MATCH verdict = (d)-[:REACHED]->(:Verdict)-[:RANKED|CHOSE]->(t)
RETURN task, turn, about, verdict
