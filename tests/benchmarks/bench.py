"""What every benchmark works with: a Neo4j of its own, a folder, and how much is to be measured."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString, cast

from neo4j import AsyncDriver

from orchestrator.graph.driver import Graph, open_graph
from orchestrator.graph.indexes import await_indexes
from orchestrator.graph.migrations import migrate
from tests.benchmarks.processes import cpu_seconds
from tests.benchmarks.results import Report
from tests.support.neo4j import Neo4jServer, Way, own_neo4j, serve, wipe
from tests.support.neo4j import Report as Tell


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Where a benchmark runs. With `quick` it does little, only to show that it works."""

    server: Neo4jServer
    neo4j_pid: int | None
    """None where the server is no process of this machine that we started."""
    folder: Path
    quick: bool
    tell: Tell

    @asynccontextmanager
    async def empty_graph(self) -> AsyncGenerator[Graph]:
        """Open the graph as the service does, with its schema and nothing in it."""
        server = self.server
        async with open_graph(server.uri, server.user, server.password, server.database) as graph:
            await migrate(graph)
            await await_indexes(graph)
            await wipe(graph.driver, server.database)
            yield graph

    def neo4j_cpu_seconds(self) -> float | None:
        """Return the processor time of the server; none where it cannot be seen."""
        return None if self.neo4j_pid is None else cpu_seconds(self.neo4j_pid)

    def home(self, name: str) -> Path:
        """Make a folder of this name."""
        home = self.folder / name
        home.mkdir(parents=True, exist_ok=True)
        return home


Measure = Callable[[Bench], Awaitable[Report]]


@asynccontextmanager
async def open_bench(way: Way, *, quick: bool, tell: Tell, lasting: bool) -> AsyncGenerator[Bench]:
    """Start what every benchmark needs, and stop it at the end; a `lasting` Neo4j for those that first let it compile all that it does."""
    with tempfile.TemporaryDirectory(prefix="council-bench-") as name:
        folder = Path(name)
        if way.library is None:
            async with serve(way) as server:
                yield Bench(server=server, neo4j_pid=None, folder=folder, quick=quick, tell=tell)
            return
        async with own_neo4j(folder, library=way.library, report=tell, lasting=lasting) as own:
            server = Neo4jServer(uri=own.uri, user=own.user, password=own.password)
            yield Bench(server=server, neo4j_pid=own.pid, folder=folder, quick=quick, tell=tell)


def graph_here() -> AbstractAsyncContextManager[Graph]:
    """Open the graph that the environment names: what a process of a benchmark works on."""
    name, user, password, database = (
        os.environ[f"NEO4J_{what}"] for what in ("URI", "USER", "PASSWORD", "DATABASE")
    )
    return open_graph(name, user, password, database)


def statement(name: str) -> LiteralString:
    """Read a statement that only benchmarks run; vouched for, since it is a file of this directory."""
    return cast("LiteralString", document(f"{name}.cypher"))


def document(name: str) -> str:
    """Read a file of this directory."""
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


async def run(driver: AsyncDriver, name: str, **parameters: object) -> None:
    """Run a statement of this directory that may commit in parts."""
    async with driver.session() as session:
        await (await session.run(statement(name), parameters)).consume()
