// Leave something in the graph that can be looked for later.
// $text: what is kept
// returns: nothing
CREATE (:Note {text: $text})
