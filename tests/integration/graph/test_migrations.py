"""Migrations are applied once, in order, under a lock, and are what they were when they were applied."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import pytest
from neo4j import AsyncDriver
from pydantic import SecretStr

from orchestrator.domain.drafts import AgentDraft, CouncilDraft
from orchestrator.graph.councils import Councils
from orchestrator.graph.deliberations import GraphDeliberations
from orchestrator.graph.driver import Graph
from orchestrator.graph.migrations import (
    ChangedMigrationError,
    NotMigratedError,
    StrangersGraphError,
    UnknownMigrationError,
    locked,
    migrate,
    migrations,
    missing,
)
from orchestrator.graph.servers import TooOldError
from orchestrator.graph.vocabulary import REQUIRED
from orchestrator.service import upkeep
from orchestrator.settings import Settings
from tests.integration.graph.conftest import Run
from tests.support.deliberating import LEASE, an_order
from tests.support.neo4j import Neo4jServer, Way, serve, wipe
from tests.support.profiling import ProfiledGraph

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


async def test_the_mark_of_a_neo4j_that_was_given_to_tests_is_nothing_to_the_service(
    empty_graph: Graph, run: Run, neo4j_server: Neo4jServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await run("forget_migrations")
    for name, value in neo4j_server.environment.items():
        monkeypatch.setenv(name, value)
    try:
        async with serve(Way()):
            assert await missing(empty_graph) == tuple(migrations())
    finally:
        await migrate(empty_graph)


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


@pytest.fixture
async def unmigrated_graph(
    empty_graph: Graph, driver: AsyncDriver, run: Run
) -> AsyncGenerator[Graph]:
    """One in which no migration is written down, as before a first start and where that was cut off."""
    await run("forget_migrations")
    yield empty_graph
    await run("remove_strangers")
    await wipe(driver, empty_graph.database)
    await run("forget_migrations")
    await migrate(empty_graph)


@pytest.mark.parametrize("label", list(REQUIRED))
async def test_a_graph_that_another_application_keeps_under_our_labels_is_refused_and_left_as_it_is(
    unmigrated_graph: Graph,
    run: Run,
    whole_graph: Callable[[], Awaitable[list[Any]]],
    label: str,
) -> None:
    await run("make_stranger", label=label)
    before = await whole_graph()
    with pytest.raises(StrangersGraphError, match=rf"holds something else \({label}\): give the"):
        await migrate(unmigrated_graph)
    assert await whole_graph() == before


async def test_of_a_large_graph_of_another_application_a_node_of_each_label_is_looked_at(
    unmigrated_graph: Graph, run: Run
) -> None:
    labels = [label for label in REQUIRED if label not in {"Migration", "Lock"}]
    await run("make_nameless", labels=labels, count=1000)
    profiled = ProfiledGraph(unmigrated_graph)
    with pytest.raises(StrangersGraphError) as refused:
        await missing(profiled)
    assert set(refused.value.labels) == set(labels)
    assert profiled.hits["migrations/find_strangers"] < 10 * len(labels)


async def test_a_migration_that_has_a_number_for_a_name_does_not_make_a_graph_ours(
    unmigrated_graph: Graph, run: Run
) -> None:
    await run("make_stranger", label="Role")
    await run("make_numbered_migration")
    with pytest.raises(
        StrangersGraphError, match=r"holds something else \(Role, Migration\): give"
    ):
        await migrate(unmigrated_graph)


async def test_a_graph_that_was_emptied_beneath_a_process_is_made_anew_with_what_the_process_made_since(
    unmigrated_graph: Graph, run: Run
) -> None:
    councils = Councils(unmigrated_graph)
    await councils.create_role("DEV", "Writes software.", None)
    agents = tuple(AgentDraft(model="a/model") for _ in range(3))
    await councils.create_council(CouncilDraft(role="DEV", agents=agents), None)
    await councils.register_endpoint("near", "http://127.0.0.1:8000/v1", None, None)
    accepted = await GraphDeliberations(unmigrated_graph).accept(an_order("DEV"))
    before = await run("show_deliberation", deliberation=accepted.deliberation)
    assert before
    assert await migrate(unmigrated_graph) == tuple(migrations())
    assert await run("show_deliberation", deliberation=accepted.deliberation) == before


async def test_a_graph_with_other_labels_than_ours_is_taken(
    unmigrated_graph: Graph, run: Run
) -> None:
    await run("make_stranger", label="Movie")
    assert await migrate(unmigrated_graph) == tuple(migrations())


async def test_a_start_that_was_cut_off_before_its_first_migration_was_written_down_goes_on(
    unmigrated_graph: Graph,
) -> None:
    async def nothing(_: object) -> None:
        """Leave the lock behind, as a migration does that does not come to its end."""

    await locked(unmigrated_graph, nothing)
    assert await migrate(unmigrated_graph) == tuple(migrations())


async def test_what_is_ours_is_not_taken_for_somebody_elses(seeded: Councils) -> None:
    assert await migrate(seeded.graph) == ()


async def test_a_command_on_a_graph_of_a_server_that_is_too_old_is_refused(
    unmigrated_graph: Graph, neo4j_server: Neo4jServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(
        neo4j_uri=neo4j_server.uri,
        neo4j_user=neo4j_server.user,
        neo4j_password=SecretStr(neo4j_server.password),
        neo4j_database=unmigrated_graph.database,
    )
    monkeypatch.setattr("orchestrator.graph.servers._OLDEST", (9999, 1))
    with pytest.raises(TooOldError, match=r"9999\.1 or newer is needed"):
        await upkeep.migrate_graph(settings, tell=lambda _: None)
    assert await unmigrated_graph.read("migrations/list_applied") == []


def test_no_migration_mixes_schema_and_data() -> None:
    for name, parts in migrations().items():
        kinds = {_is_schema(part) for part in parts}
        assert len(kinds) == 1, name


def _is_schema(part: str) -> bool:
    lines = [line for line in part.splitlines() if line and not line.startswith("//")]
    return lines[0].startswith(("CREATE CONSTRAINT", "CREATE INDEX", "CREATE FULLTEXT", "DROP "))
