"""Migrations are applied once, in order, under a lock, and are what they were when they were applied."""

from __future__ import annotations

import asyncio

import pytest

from orchestrator.graph.deliberations import GraphDeliberations
from orchestrator.graph.driver import Graph
from orchestrator.graph.migrations import (
    ChangedMigrationError,
    NotMigratedError,
    UnknownMigrationError,
    migrate,
    migrations,
)
from tests.integration.graph.conftest import Run
from tests.support.deliberating import LEASE

pytestmark = [pytest.mark.neo4j]


async def test_a_migrated_graph_is_left_alone(empty_graph: Graph, run: Run) -> None:
    before = await run("list_schema")
    assert await migrate(empty_graph) == ()
    assert await run("list_schema") == before


async def test_processes_that_migrate_at_once_apply_each_migration_once(
    empty_graph: Graph, run: Run
) -> None:
    before = await run("list_schema")
    await run("forget_migrations")
    applied = await asyncio.gather(*(migrate(empty_graph) for _ in range(3)))
    assert sorted(applied, key=len) == [(), (), tuple(migrations())]
    assert await run("list_schema") == before


async def test_what_was_applied_is_written_down_in_order(empty_graph: Graph) -> None:
    rows = await empty_graph.read("migrations/list_applied")
    assert [row["name"] for row in rows] == list(migrations())


async def test_a_migration_that_was_changed_is_refused_by_its_name(
    empty_graph: Graph, run: Run
) -> None:
    name = next(iter(migrations()))
    [was] = [
        row["checksum"]
        for row in await empty_graph.read("migrations/list_applied")
        if row["name"] == name
    ]
    await run("change_checksum", name=name, checksum="another")
    try:
        with pytest.raises(ChangedMigrationError, match=name):
            await migrate(empty_graph)
    finally:
        await run("change_checksum", name=name, checksum=was)


async def test_a_graph_of_a_later_version_is_refused(empty_graph: Graph, run: Run) -> None:
    await run("record_unknown_migration", name="V999__from_the_future")
    try:
        with pytest.raises(UnknownMigrationError, match="V999__from_the_future"):
            await migrate(empty_graph)
    finally:
        await run("forget_migration", name="V999__from_the_future")


async def test_no_process_enters_a_graph_that_lacks_a_migration(
    empty_graph: Graph, run: Run
) -> None:
    await run("forget_migrations")
    try:
        with pytest.raises(NotMigratedError, match=next(iter(migrations()))):
            await GraphDeliberations(empty_graph).enter("prc_one", "host", LEASE)
        assert await run("list_processes") == []
    finally:
        await migrate(empty_graph)


def test_no_migration_mixes_schema_and_data() -> None:
    for name, parts in migrations().items():
        kinds = {_is_schema(part) for part in parts}
        assert len(kinds) == 1, name


def _is_schema(part: str) -> bool:
    lines = [line for line in part.splitlines() if line and not line.startswith("//")]
    return lines[0].startswith(("CREATE CONSTRAINT", "CREATE INDEX", "CREATE FULLTEXT", "DROP "))
