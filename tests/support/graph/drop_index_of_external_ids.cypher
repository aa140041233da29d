// Drop an index of a migration, so that it can be made anew over what is there.
// parameters: none
// returns: nothing
DROP INDEX deliberation_external_id IF EXISTS
