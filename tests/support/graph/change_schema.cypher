// How somebody can have changed what the migrations make, or have been there before. Tests cut this file at `// way:`, and run each of its
// statements in a transaction of its own.

// way: a constraint was dropped
DROP CONSTRAINT role_name;

// way: its name is taken
DROP CONSTRAINT role_name;
CREATE CONSTRAINT role_name FOR (n:Movie) REQUIRE n.title IS UNIQUE;

// way: an index is in its place
DROP CONSTRAINT role_name;
CREATE INDEX role_name FOR (n:Role) ON (n.name);

// way: an index under another name is in its place
DROP CONSTRAINT role_name;
CREATE INDEX `the ``x``` FOR (n:Role) ON (n.name);

// way: the constraint of the lock has another name
DROP CONSTRAINT lock_name;
CREATE CONSTRAINT locks FOR (n:Lock) REQUIRE n.name IS UNIQUE;

// way: an index is in the place of the constraint of the lock
DROP CONSTRAINT lock_name;
CREATE INDEX locks FOR (n:Lock) ON (n.name);

// way: the full text has another name
DROP INDEX spoken_text;
CREATE FULLTEXT INDEX texts FOR (n:Task|Final) ON EACH [n.description, n.context, n.content];

// way: properties stand in another order
DROP INDEX deliberation_role;
CREATE INDEX deliberation_role FOR (n:Deliberation) ON (n.id, n.role);

// way: relationships have the index
DROP INDEX council_updated_at;
CREATE INDEX council_updated_at FOR ()-[n:Council]-() ON (n.updatedAt);
