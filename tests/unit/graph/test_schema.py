"""What the statements of migrations leave behind is read out of their texts."""

from __future__ import annotations

from orchestrator.graph.schema import made_by

FIRST = "// Why.\nCREATE INDEX of_roles IF NOT EXISTS FOR (n:Role) ON (n.name, n.id)"
SECOND = "CREATE CONSTRAINT role_id IF NOT EXISTS FOR (n:Role) REQUIRE n.id IS UNIQUE"
DROP = "// No longer.\nDROP INDEX of_roles IF EXISTS"


def test_what_a_later_migration_drops_is_not_there_unless_it_is_made_again() -> None:
    names = [index.name for index in made_by([FIRST, SECOND, DROP])]
    assert names == ["role_id"]
    anew = "CREATE INDEX of_roles IF NOT EXISTS FOR (n:Role) ON (n.id)"
    assert list(made_by([FIRST, SECOND, DROP, anew]).values()) == [SECOND, anew]
