// Make sure that a named lock is one node. Run before every migration, by any number of processes.
// parameters: none
// returns: nothing
CREATE CONSTRAINT lock_name IF NOT EXISTS FOR (n:Lock) REQUIRE n.name IS UNIQUE
