// Refuse two turns of one content: a trigger of the test's own, since Community has no other.
CREATE CONSTRAINT test_turn_content IF NOT EXISTS FOR (n:Turn) REQUIRE n.content IS UNIQUE
