// Make what another application's migrations would look like if they were numbered.
// parameters: none
// returns: nothing
CREATE (:Migration {name: 7, checksum: 'seven'})
