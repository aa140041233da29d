// Make nodes with a label that means nothing here.
// $many
// returns: nothing
UNWIND range(1, $many) AS i
CREATE (:Stranger)
