// Make nodes of each label that have no property: Neo4j knows that they are many, and that no index has one of them. This is what it
// believes, too, of a graph that was filled a moment ago, until it counts what is in the indexes.
// $labels; $count: how many of each
// returns: nothing
UNWIND $labels AS label
UNWIND range(1, $count) AS i
CREATE (:$(label))
