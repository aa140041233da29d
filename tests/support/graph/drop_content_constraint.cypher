// Take that constraint away again.
DROP CONSTRAINT test_turn_content IF EXISTS
