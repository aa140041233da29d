"""The life of a running orchestrator: how it begins, and how it is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import structlog

from orchestrator import __version__
from orchestrator.api.ports import Rehydration
from orchestrator.domain.errors import AuthenticationError, UnavailableError
from orchestrator.domain.pruning import GraphSize
from orchestrator.engine.desk import Desk
from orchestrator.graph import pruning
from orchestrator.graph.driver import Graph
from orchestrator.graph.indexes import Filling, await_indexes
from orchestrator.graph.migrations import migrate
from orchestrator.graph.rehydration import rehydrate
from orchestrator.graph.seeding import read_seed, seed, settle_defaults
from orchestrator.graph.servers import clock_ahead, refuse_old
from orchestrator.settings import Settings

T = TypeVar("T")

_AGAIN_SECONDS = 0.5

_CLOCKS_AGREE_WITHIN = timedelta(seconds=2)

_SHOWN_WITHIN_SECONDS = 3.0
"""Whoever asks how the service is wants to know it now, also of a Neo4j that says nothing."""

_log = structlog.get_logger(__name__)


class Service:
    """A running orchestrator, and how it is: what the API's `service` tells."""

    def __init__(
        self,
        *,
        graph: Graph,
        shown: Graph,
        desk: Desk,
        settings: Settings,
        on_step: Callable[[str], None],
    ) -> None:
        """`shown` is the same graph with as much room as callers have."""
        self._graph = graph
        self._shown = shown
        self._desk = desk
        self._settings = settings
        self._on_step = on_step
        self._seed = read_seed(settings.seed)
        self._step: str | None = "Neo4j"
        self._told_to_end = asyncio.Event()
        self._obstacle: str | None = None
        """Why the graph does not let the step go on, in words."""
        self.ready: asyncio.Event = asyncio.Event()
        self.closing: asyncio.Event = asyncio.Event()
        self._started_at: datetime = datetime.now(UTC)
        self._rehydration: Rehydration | None = None

    @property
    def version(self) -> str:
        """The version of this package."""
        return __version__

    @property
    def started_at(self) -> datetime:
        """When the process was started."""
        return self._started_at

    @property
    def ending(self) -> bool:
        """Whether it was told to end: it answers still, and accepts nothing."""
        return self._told_to_end.is_set()

    async def ends(self) -> None:
        """Return once it was told to end."""
        await self._told_to_end.wait()

    def end(self) -> None:
        """Be ready for nothing new from this moment on."""
        self._told_to_end.set()
        self._step, self._obstacle = "its end", None
        self.ready.clear()

    @property
    def waiting_for(self) -> str | None:
        """What it waits for; none where it is ready."""
        if self._step is None:
            return self._desk.waiting_for
        return self._step if self._obstacle is None else f"{self._step}: {self._obstacle}"

    @property
    def rehearsal(self) -> bool:
        """Whether no vLLM is set, so that the rehearsal model answers."""
        return self._settings.vllm_url is None

    @property
    def rehydration(self) -> Rehydration | None:
        """What the start brought back; none until it has."""
        return self._rehydration

    async def neo4j(self) -> str | None:
        """Return the server's agent string; none while it cannot be reached."""
        return await _told(self._shown.server())

    async def graph_size(self) -> GraphSize | None:
        """Return how much is in the graph; none while it cannot be reached."""
        return await _told(pruning.measure(self._shown))

    async def live(self) -> None:
        """Reach the graph, bring it up to date, take up what was under way, and go on until `closing`.

        Raises:
            AuthenticationError: the graph refuses the login; waiting would not help.
            CouncilError: the graph or the seed file is not what this version can work with.
        """
        await self._reach()
        self._begin("migrations")
        await self._patiently(self._compare_clocks)
        for name in await self._patiently(lambda: migrate(self._graph)):
            _log.info("migration_applied", name=name)
        await self._patiently(lambda: await_indexes(self._graph, tell=self._tell_of_indexes))
        self._begin("seeding")
        for settled in await self._patiently(
            lambda: settle_defaults(self._graph, self._settings.vllm_url, self._settings.vllm_model)
        ):
            _log.info(
                "default_settled",
                setting=settled.setting,
                before=settled.before,
                after=settled.after,
                agents=settled.agents,
            )
        seeded = await self._patiently(lambda: seed(self._graph, self._seed))
        self._begin("rehydration")
        began = time.perf_counter()
        registry = await self._patiently(lambda: rehydrate(self._graph))
        self._begin("deliberations under way")
        async with self._desk.at_work():
            self._rehydration = Rehydration(
                councils=len(registry.councils),
                agents=registry.agents,
                resumed=self._desk.resumed,
                seeded=seeded,
                duration_ms=(time.perf_counter() - began) * 1000,
            )
            _log.info(
                "rehydrated",
                councils=len(registry.councils),
                agents=registry.agents,
                deliberations=self._desk.resumed,
                seeded=seeded,
                milliseconds=round(self._rehydration.duration_ms),
            )
            if not self._told_to_end.is_set():
                self._step = None
                self.ready.set()
            await self.closing.wait()
            await self._desk.drain(timedelta(seconds=self._settings.drain_seconds))

    def _begin(self, step: str) -> None:
        self._step, self._obstacle = step, None
        self._on_step(step)

    async def _patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do a part of the start, however long the graph is away; a login that it refuses ends the start.

        That may come as late as with a statement: who must change his password first is let in, and may do nothing.
        """
        while True:
            try:
                done = await work()
            except AuthenticationError:
                raise
            except UnavailableError as error:
                self._tell_of_obstacle(error)
                await asyncio.sleep(_AGAIN_SECONDS)
            else:
                self._obstacle = None
                return done

    def _tell_of_obstacle(self, error: UnavailableError) -> None:
        """Tell it once, and whoever asks what is waited for."""
        if self._obstacle is None:
            _log.warning("waiting_for_graph", step=self._step, what=error.what, why=error.why)
        self._obstacle = error.what
        self._on_step(f"{self._step}: {error}")

    def _tell_of_indexes(self, filling: tuple[Filling, ...]) -> None:
        """A large graph takes minutes, and whoever waits wants to see that it goes on."""
        self._begin(f"indexes that Neo4j fills: {', '.join(map(str, filling))}")
        _log.info(
            "waiting_for_indexes", percent={index.name: round(index.percent) for index in filling}
        )

    async def _reach(self) -> None:
        """Wait for Neo4j as long as it takes, and refuse one that is too old."""
        agent = await self._patiently(self._graph.server)
        _log.info("graph_reached", agent=agent)
        refuse_old(agent)

    async def _compare_clocks(self) -> None:
        """Tell of clocks that differ: in lists and in the queue, all processes' deliberations stand by the clock of who accepted them."""
        ahead = await clock_ahead(self._graph)
        if abs(ahead) > _CLOCKS_AGREE_WITHIN:
            _log.warning("clock_differs", seconds_ahead_of_neo4j=round(ahead.total_seconds()))


async def _told(asked: Awaitable[T]) -> T | None:
    """Return what the graph says of itself; none where it says nothing."""
    try:
        async with asyncio.timeout(_SHOWN_WITHIN_SECONDS):
            return await asked
    except (UnavailableError, TimeoutError):
        return None
