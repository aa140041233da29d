// Ask for what is not in the vocabulary: the server remarks on it.
// parameters: none
// returns: n
MATCH (n:Quorum {soul: 1})
RETURN n
