"""What chaos works on: a Neo4j of its own, three processes of the service, and one model server that counts calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from neo4j import AsyncDriver

from orchestrator.local.neo4j import OwnNeo4j
from tests.benchmarks.quiet_service import QuietService
from tests.support.bolt_proxy import BoltProxy
from tests.support.model_behaviour import Behaviour
from tests.support.model_server import ModelServer
from tests.support.neo4j import LIBRARY, Neo4jServer, own_neo4j
from tests.support.service_process import ProcessEndedError, ServiceProcess

LEASE_SECONDS = 3.0
DATABASE = "neo4j"

_HOMES = {"one": "shared", "two": "shared", "three": "three"}
"""The first two are processes of one host: there a killed one is taken over at once, elsewhere after its lease."""


@dataclass(slots=True, kw_only=True, eq=False)
class Replica:
    """A place at which a process of the service runs, and its own way to Neo4j."""

    name: str
    service: ServiceProcess
    proxy: BoltProxy
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a fault goes on there."""

    async def restart_if_ended(self) -> str | None:
        """Start it where it ended by itself, and say how it did."""
        if self.busy.locked():
            return None
        try:
            self.service.check_alive()
        except ProcessEndedError as error:
            await self.service.kill()
            await self.service.start()
            return f"{self.name}: {error}"
        return None


@dataclass(slots=True, kw_only=True, eq=False)
class World:
    """All of it, while it runs."""

    own: OwnNeo4j
    server: Neo4jServer
    driver: AsyncDriver
    """Goes to Neo4j directly."""
    replicas: tuple[Replica, ...]
    model: ModelServer
    model_log: Path
    neo4j_busy: asyncio.Lock = field(default_factory=asyncio.Lock)
    model_busy: asyncio.Lock = field(default_factory=asyncio.Lock)


@asynccontextmanager
async def open_world(folder: Path, tell: Callable[[str], None]) -> AsyncGenerator[World]:
    """Start it all in a folder, and wait until each process is ready."""
    log = folder / "model.jsonl"
    behaviour = Behaviour(latency=0.1, pace=0.02)
    async with AsyncExitStack() as stack:
        own = await stack.enter_async_context(own_neo4j(folder, library=LIBRARY, report=tell))
        server = Neo4jServer(uri=own.uri, user=own.user, password=own.password)
        driver = await stack.enter_async_context(server.driver())
        model = await stack.enter_async_context(
            ModelServer(behaviour=behaviour, log=log, keep=False)
        )
        replicas: list[Replica] = []
        for name, home in _HOMES.items():
            proxy = await stack.enter_async_context(BoltProxy(server.uri))
            service = QuietService(
                home=folder / name,
                environment={
                    **server.environment,
                    "NEO4J_URI": proxy.uri,
                    "VLLM_URL": model.url,
                    "VLLM_MODEL": "tiny",
                    # By its key the model server's log tells whose call it was.
                    "VLLM_API_KEY": name,
                    "COUNCIL_HOME": str(folder / "homes" / home),
                    "COUNCIL_LEASE_SECONDS": str(LEASE_SECONDS),
                    "COUNCIL_DRAIN_SECONDS": "5",
                },
            )
            await stack.enter_async_context(service)
            replicas.append(Replica(name=name, service=service, proxy=proxy))
        for replica in replicas:
            await replica.service.ready()
        yield World(
            own=own,
            server=server,
            driver=driver,
            replicas=tuple(replicas),
            model=model,
            model_log=log,
        )
