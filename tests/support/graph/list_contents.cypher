// List what the turns of all deliberations say.
// Columns: id, content, reasoning, chosen (whether it won), in order of ids
MATCH (t:Turn)
RETURN t.id AS id, t.content AS content, t.reasoning AS reasoning, EXISTS { (t)<-[:CHOSE]-(:Verdict) } AS chosen
ORDER BY id
