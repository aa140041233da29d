// Read where deliberations stand: what is asked once a second of all that are followed.
// $ids
// Column: places: [deliberation, sequence, status] of each that is there, in no order, in one row
UNWIND $ids AS id
MATCH (d:Deliberation {id: id})
USING INDEX SEEK d:Deliberation(id)
RETURN collect([d.id, d.sequence, d.status]) AS places
