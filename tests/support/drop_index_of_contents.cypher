// Take that index away again.
DROP INDEX contents_of_turns
