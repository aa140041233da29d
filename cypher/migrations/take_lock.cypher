// Take the one lock under which migrations and seeding run; whoever comes second waits until the first has committed.
// parameters: none
// returns: nothing
MERGE (l:Lock {name: 'migrations'})
// The write lock, with a constant; a MERGE that only matches takes none.
SET l.lock = true
