"""The Neo4j of the tests: the one that NEO4J_URI names, else one in Docker, else one of Maven and Java."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import shutil
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString, cast

import platformdirs
import stamina
from neo4j import AsyncDriver, AsyncGraphDatabase, Record
from neo4j.exceptions import TransientError
from typing_extensions import override

from orchestrator.local import docker, installing, tools
from orchestrator.local.errors import ToolsMissingError
from orchestrator.local.installing import Pom
from orchestrator.local.neo4j import OwnNeo4j, stop_leftover

Report = Callable[[str], None]

CACHE = Path(platformdirs.user_cache_dir("graph-council", appauthor=False))
LIBRARY = CACHE / "neo4j"
"""Where the files of Neo4j are, once a machine."""
SESSIONS = CACHE / "test-sessions"
"""Where each session keeps its data; what a killed one left is cleared away by the next."""

MARK = "of_tests"
"""The index by which a Neo4j that is given is known as one that tests may empty."""

_AGENT = "Neo4j/"

_PLANS_STAY = {"dbms.cypher.min_replan_interval": "1d"}
"""Each test empties the graph, which Neo4j would take for a reason to plan anew what it had planned for the test before."""


class NoNeo4jError(Exception):
    """The tests have no Neo4j, or must not use the one they were given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neo4jServer:
    """A Neo4j that runs, for the tests to use and to empty."""

    uri: str
    user: str
    password: str
    database: str = "neo4j"
    browser_url: str | None = None
    """None where NEO4J_URI was given."""

    @property
    def environment(self) -> dict[str, str]:
        """What a process of ours needs in its environment to use it."""
        return {
            "NEO4J_URI": self.uri,
            "NEO4J_USER": self.user,
            "NEO4J_PASSWORD": self.password,
            "NEO4J_DATABASE": self.database,
        }

    @asynccontextmanager
    async def driver(self) -> AsyncGenerator[AsyncDriver]:
        """Open a driver of its own."""
        async with AsyncGraphDatabase.driver(self.uri, auth=(self.user, self.password)) as driver:
            yield driver


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How the tests come by their Neo4j; one of the two is set where it isn't NEO4J_URI."""

    docker: str | None = None
    library: Path | None = None


def prepare(report: Report) -> Way:
    """Find the way and fetch what has to be fetched; it may take minutes, once a machine.

    Raises:
        ToolsMissingError: there is no way; the message says what to install.
        InstallationError: fetching failed.
    """
    if os.environ.get("NEO4J_URI"):
        return Way()
    return asyncio.run(_prepare_own(report))


async def _prepare_own(report: Report) -> Way:
    missing: list[str] = []
    found_docker = await tools.find_docker(missing)
    if found_docker is not None:
        return Way(docker=found_docker)
    pom = installing.read_pom()
    java = await tools.find_java(missing)
    if java is not None and installing.is_installed(LIBRARY, pom):
        return Way(library=LIBRARY)
    maven = tools.find_maven(missing)
    if java is None or maven is None:
        raise ToolsMissingError(tuple(missing))
    await installing.install(LIBRARY, pom, maven=maven, report=report)
    return Way(library=LIBRARY)


@asynccontextmanager
async def serve(way: Way) -> AsyncGenerator[Neo4jServer]:
    """Run the server of a session, or use the one that was given.

    Raises:
        NoNeo4jError: it is not a Neo4j, or one that holds what is not of tests.
    """
    if way.docker is not None:
        opened = _serve_container()
    elif way.library is not None:
        opened = _serve_java(way.library)
    else:
        opened = _given()
    async with opened as server, server.driver() as driver:
        agent = (await driver.get_server_info()).agent
        if not agent.startswith(_AGENT):
            raise NoNeo4jError(f"{server.uri} is {agent}; the tests want a real Neo4j")
        yield server


@asynccontextmanager
async def _given() -> AsyncGenerator[Neo4jServer]:
    server = Neo4jServer(
        uri=os.environ["NEO4J_URI"],
        user=os.environ.get("NEO4J_USER", "neo4j"),
        password=os.environ.get("NEO4J_PASSWORD", ""),
        database=os.environ.get("NEO4J_DATABASE", "neo4j"),
    )
    async with server.driver() as driver:

        async def run(name: str) -> list[Record]:
            return (await driver.execute_query(statement(name), database_=server.database)).records

        [record] = await run("count_foreign")
        if record["count"] and not await run("find_own_mark"):
            raise NoNeo4jError(
                f"The tests empty the graph they run on, and {server.uri} holds {record['count']} nodes that are not theirs. Point NEO4J_URI to an empty one, or unset it."
            )
        await run("mark_as_ours")
    yield server


@asynccontextmanager
async def _serve_java(library: Path) -> AsyncGenerator[Neo4jServer]:
    await clear_away_leftovers()
    home = SESSIONS / f"{os.getpid()}-{secrets.token_hex(4)}"
    try:
        async with _SessionsNeo4j(
            home, library=library, bolt_port=0, http_port=0, report=print
        ) as own:
            yield Neo4jServer(
                uri=own.uri, user=own.user, password=own.password, browser_url=own.browser_url
            )
    finally:
        await asyncio.to_thread(shutil.rmtree, home)


class _SessionsNeo4j(OwnNeo4j):
    """That of a session, which goes from test to test."""

    @override
    def _write_configuration(self, pom: Pom) -> None:
        super()._write_configuration(pom)
        text = self._configuration.read_text(encoding="utf-8")
        for name, value in _PLANS_STAY.items():
            # Replaced, not added: a setting that is there twice keeps Neo4j from starting.
            text = re.sub(rf"^{re.escape(name)}=.*$", f"{name}={value}", text, flags=re.MULTILINE)
        self._configuration.write_text(text, encoding="utf-8")


def own_neo4j(
    home: Path, *, library: Path | None, report: Report = print, lasting: bool = False
) -> OwnNeo4j:
    """Answer a Neo4j of its own for a test that stops or kills it, on free ports."""
    return OwnNeo4j(home, library=library, bolt_port=0, http_port=0, report=report, lasting=lasting)


async def clear_away_leftovers() -> None:
    """Stop and remove what sessions left that were killed; those that still run are left alone."""
    for lock in await asyncio.to_thread(lambda: list(SESSIONS.glob("*/neo4j/lock"))):
        home = lock.parent.parent
        if await stop_leftover(home):
            await asyncio.to_thread(shutil.rmtree, home, ignore_errors=True)


@asynccontextmanager
async def _serve_container() -> AsyncGenerator[Neo4jServer]:
    # Only where an engine answers is the library worth its time and its warnings.
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415
    from testcontainers.core.wait_strategies import HttpWaitStrategy  # noqa: PLC0415

    password = secrets.token_hex(16)
    container = (
        DockerContainer(docker.image(installing.read_pom().version))
        .with_env("NEO4J_AUTH", f"neo4j/{password}")
        .with_env("NEO4J_server_memory_pagecache_size", "64m")
        .with_env("NEO4J_dbms_usage__report_enabled", "false")
        .with_envs(**{_in_docker(name): value for name, value in _PLANS_STAY.items()})
        .with_exposed_ports(7687, 7474)
        .waiting_for(HttpWaitStrategy(7474).for_status_code(200))
    )
    await asyncio.to_thread(container.start)
    try:
        host = container.get_container_host_ip()
        yield Neo4jServer(
            uri=f"bolt://{host}:{container.get_exposed_port(7687)}",
            user="neo4j",
            password=password,
            browser_url=f"http://{host}:{container.get_exposed_port(7474)}/browser/",
        )
    finally:
        await asyncio.to_thread(container.stop)


def _in_docker(setting: str) -> str:
    """The variable of the environment that the image takes a setting from."""
    return "NEO4J_" + setting.replace("_", "__").replace(".", "_")


async def wipe(driver: AsyncDriver, database: str) -> None:
    """Delete all nodes but the marks of the migrations; the schema stays."""
    # Whoever was just cut off, such as the peer of a benchmark, may still have the memory of the server.
    async for attempt in stamina.retry_context(on=TransientError, attempts=None, timeout=60):
        with attempt:
            async with driver.session(database=database) as session:
                # It commits in batches, and so runs outside a managed transaction.
                await (await session.run(statement("wipe"))).consume()


def statement(name: str) -> LiteralString:
    """Read a statement that only tests run; vouched for, since it is a file of this directory."""
    text = (Path(__file__).parent / f"{name}.cypher").read_text(encoding="utf-8")
    return cast("LiteralString", text)
