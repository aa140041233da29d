// List what was recorded of deliberations.
// $ids
// returns: id, deliberation, kind of each turn
UNWIND $ids AS id
MATCH (d:Deliberation {id: id})-[:HAS_TURN]->(t:Turn)
RETURN t.id AS id, id AS deliberation, t.kind AS kind
