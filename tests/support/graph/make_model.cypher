// Make a model that nobody speaks with.
// $name
// returns: nothing
MERGE (:Model {name: $name})
