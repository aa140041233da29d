// Take every agent from a council, as no caller can.
// $council
// Column: agents
MATCH (:Agent)-[on:SITS_ON]->(:Council {id: $council})
DELETE on
RETURN count(*) AS agents
