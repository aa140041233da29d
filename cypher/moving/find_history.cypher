// Find out whether anything was ever deliberated.
// parameters: none
// Column: history
RETURN EXISTS { (:Deliberation) } AS history
