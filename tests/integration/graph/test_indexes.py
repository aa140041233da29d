"""An index over what is there already is filled beside the transactions: it is waited for, and told of where it cannot be."""

from __future__ import annotations

import io
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from neo4j import AsyncDriver
from pydantic import SecretStr
from rich.console import Console

from orchestrator.cli import graph as cli
from orchestrator.cli.exits import Exit
from orchestrator.cli.screen import THEME, Screen
from orchestrator.graph.driver import Graph
from orchestrator.graph.indexes import Filling, IndexFailedError, await_indexes
from orchestrator.graph.migrations import migrate
from orchestrator.settings import Settings
from tests.integration.graph.conftest import Run
from tests.support.bolt_proxy import BoltProxy, Side, Tag
from tests.support.neo4j import Neo4jServer, statement, wipe
from tests.support.service_process import ServiceProcess
from tests.support.waiting import eventually

pytestmark = [pytest.mark.neo4j]

MIGRATION, INDEX = "V011__index_external_ids", "deliberation_external_id"


@pytest.fixture
async def earlier_graph(empty_graph: Graph, driver: AsyncDriver, run: Run) -> AsyncGenerator[Graph]:
    """A graph of the version before, which lacks one index."""
    await run("drop_index_of_external_ids")
    await run("forget_migration", name=MIGRATION)
    yield empty_graph
    await wipe(driver, empty_graph.database)
    await run("drop_index_of_external_ids")
    await run("forget_migration", name=MIGRATION)
    await migrate(empty_graph)
    await await_indexes(empty_graph)


async def state_of_index(run: Run) -> str:
    [state] = [row["state"] for row in await run("list_index_states") if row["name"] == INDEX]
    return state


@pytest.fixture
async def long_history(earlier_graph: Graph, run: Run) -> Graph:
    """The same with so much to index that it takes a second."""
    await run("make_named_deliberations", count=20_000, text="x" * 2000)
    return earlier_graph


async def test_an_index_over_a_long_history_is_waited_for_and_told_of(
    long_history: Graph, run: Run
) -> None:
    told: list[tuple[Filling, ...]] = []
    assert await migrate(long_history) == (MIGRATION,)
    assert await state_of_index(run) == "POPULATING"
    # Whoever comes now finds every migration applied, and waits all the same.
    assert await migrate(long_history) == ()
    await await_indexes(long_history, tell=told.append)
    assert await state_of_index(run) == "ONLINE"
    assert [index.name for index in told[0]] == [INDEX]
    assert 0 <= told[0][0].percent < 100


async def test_the_service_is_not_ready_before_its_indexes_are_and_says_what_it_waits_for(
    long_history: Graph, neo4j_server: Neo4jServer, tmp_path: Path
) -> None:
    del long_history  # it is what the service starts on
    async with BoltProxy(neo4j_server.uri) as proxy:
        look = proxy.trap(Side.ANSWER, Tag.PULL, "populationPercent", skip=1)
        environment = {**neo4j_server.environment, "NEO4J_URI": proxy.uri}
        service = ServiceProcess(home=tmp_path, environment=environment)
        async with service, httpx.AsyncClient(base_url=service.url, timeout=30) as http:
            # It has seen that one is not full. The next look takes long, as that would for a graph of millions.
            await look.sprung()
            answer = await eventually(lambda: _readiness(http), lambda answer: answer is not None)
            assert answer is not None
            assert answer.status_code == 503
            assert f" {INDEX} " in answer.json()["waitingFor"]
            look.release()
            await service.ready()
    events = [line.get("event") for line in service.log()]
    [told] = [line for line in service.log() if line.get("event") == "waiting_for_indexes"]
    assert list(told["percent"]) == [INDEX]
    assert (
        events.index("migration_applied")
        < events.index("waiting_for_indexes")
        < events.index("rehydrated")
    )


async def _readiness(http: httpx.AsyncClient) -> httpx.Response | None:
    with suppress(httpx.ConnectError):
        return await http.get("/readyz")
    return None


async def test_council_migrate_says_what_it_waits_for(
    long_history: Graph, neo4j_server: Neo4jServer
) -> None:
    out, err = io.StringIO(), io.StringIO()
    screen = Screen(out=Console(file=out, theme=THEME), err=Console(file=err, theme=THEME))
    settings = Settings(
        neo4j_uri=neo4j_server.uri,
        neo4j_user=neo4j_server.user,
        neo4j_password=SecretStr(neo4j_server.password),
        neo4j_database=long_history.database,
    )
    assert await cli.migrate(settings, screen) == Exit.OK
    assert err.getvalue().startswith(f"Neo4j fills indexes: {INDEX} ")
    assert out.getvalue() == f"applied {MIGRATION}\n"


async def test_an_index_that_cannot_be_filled_is_told_with_the_reason_and_what_makes_it_anew(
    earlier_graph: Graph, run: Run
) -> None:
    await run("make_named_deliberations", count=1, text="x" * 20_000)
    await migrate(earlier_graph)
    with pytest.raises(IndexFailedError) as failed:
        await await_indexes(earlier_graph)
    assert failed.value.name == INDEX
    assert "too large to index" in failed.value.failure
    assert f"DROP INDEX {INDEX};" in str(failed.value)
    assert f"CREATE RANGE INDEX `{INDEX}` FOR (n:`Deliberation`)" in str(failed.value)


async def test_an_index_of_somebody_else_is_neither_waited_for_nor_complained_of(
    empty_graph: Graph, driver: AsyncDriver, run: Run
) -> None:
    await run("make_long_turn", content="x" * 20_000)
    await driver.execute_query(statement("index_contents"), database_=empty_graph.database)
    try:
        await eventually(
            lambda: run("list_index_states"),
            lambda rows: "FAILED" in [row["state"] for row in rows],
        )
        await await_indexes(empty_graph)
    finally:
        await driver.execute_query(
            statement("drop_index_of_contents"), database_=empty_graph.database
        )
