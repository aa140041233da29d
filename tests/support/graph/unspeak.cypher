// Let an agent speak with no model.
// $agent: its name
// returns: nothing
MATCH (:Agent {name: $agent})-[speaks:SPEAKS_WITH]->()
DELETE speaks
