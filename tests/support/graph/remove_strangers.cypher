// Remove what `make_stranger` has made, of whatever label.
// parameters: none
// returns: nothing
MATCH (n {name: 'default', url: '/api/v1'})
DELETE n
