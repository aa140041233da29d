// Count what each of some councils held, from the degrees of their nodes.
// $councils
// Column: totals: [council, total] of each that is there, in one row
UNWIND $councils AS council
MATCH (c:Council {id: council})
USING INDEX SEEK c:Council(id)
RETURN collect([council, COUNT { (c)-[:HELD]->() }]) AS totals
