"""What all tests share: one event loop, and one Neo4j a session."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from neo4j import AsyncDriver

from orchestrator.domain.errors import CouncilError
from orchestrator.graph.driver import Graph, open_graph
from orchestrator.graph.indexes import await_indexes
from orchestrator.graph.migrations import migrate
from tests.support.ending import end_in_order
from tests.support.neo4j import Neo4jServer, Way, prepare, serve, wipe

_FIRST_SECONDS = 600
_WAY = pytest.StashKey[Way | CouncilError]()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """One loop for the whole run, and so one driver."""
    return "asyncio"


def pytest_configure() -> None:
    """Stop what is started here, however a run is ended."""
    end_in_order()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config) -> None:
    """Fetch Neo4j before several processes want it, and say so while it is done: what they print is not shown."""
    _prepare(config)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread the files of each folder over the whole run: some folders' tests compute, others' wait, and the cores are to have enough of both."""
    folders: dict[Path, list[Path]] = {}
    for file in dict.fromkeys(item.path for item in items):
        folders.setdefault(file.parent, []).append(file)
    place = {
        file: (number + 0.5) / len(files)
        for files in folders.values()
        for number, file in enumerate(files)
    }
    items.sort(key=lambda item: place[item.path])


def pytest_collection_finish(session: pytest.Session) -> None:
    """Fetch Neo4j before the first test: it takes minutes the first time, and a test has one."""
    wanting = [item for item in session.items if "neo4j_way" in getattr(item, "fixturenames", ())]
    if not wanting or session.config.option.collectonly:
        return
    # The first of them also waits for the server to start: 6 s, or a minute on a busy machine. Which file is the
    # first of a process is not known beforehand.
    for first in {item.path: item for item in reversed(wanting)}.values():
        first.add_marker(pytest.mark.timeout(_FIRST_SECONDS), append=False)
    session.config.stash[_WAY] = _prepare(session.config)


def _prepare(config: pytest.Config) -> Way | CouncilError:
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    try:
        return prepare(terminal.write_line if terminal else print)
    except CouncilError as error:
        # The tests that need no Neo4j still run; those that do fail with these words.
        return error


@pytest.fixture(scope="session")
def neo4j_way(pytestconfig: pytest.Config) -> Way:
    """How the tests come by a Neo4j; fails with what to install where there is no way."""
    found = pytestconfig.stash[_WAY]
    if isinstance(found, CouncilError):
        pytest.fail(str(found), pytrace=False)
    return found


@pytest.fixture(scope="session")
async def neo4j_server(neo4j_way: Way) -> AsyncGenerator[Neo4jServer]:
    """The Neo4j of this session."""
    async with serve(neo4j_way) as server:
        yield server


@pytest.fixture(scope="session")
async def driver(neo4j_server: Neo4jServer) -> AsyncGenerator[AsyncDriver]:
    """A connection of the test's own, independent of the service's code."""
    async with neo4j_server.driver() as driver:
        yield driver


@pytest.fixture(scope="session")
async def migrated_graph(neo4j_server: Neo4jServer) -> AsyncGenerator[Graph]:
    """The graph as the service opens it, with its schema; whatever earlier tests left is in it."""
    server = neo4j_server
    async with open_graph(server.uri, server.user, server.password, server.database) as graph:
        await migrate(graph)
        await await_indexes(graph)
        yield graph


@pytest.fixture
async def empty_graph(migrated_graph: Graph, driver: AsyncDriver) -> Graph:
    """The same without any node but the marks of its migrations."""
    await wipe(driver, migrated_graph.database)
    return migrated_graph
