// Make what another application would have under such a label.
// $label
// returns: nothing
CREATE (n:$($label) {name: 'default', url: '/api/v1'})
