// Make a turn that says more than an index takes.
// $content: what it says
// returns: nothing
CREATE (:Turn {id: 'trn_long', content: $content})
