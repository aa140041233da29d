"""Puts the parts together: the only module that knows them all."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import signal
import socket
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import structlog
import uuid_utils

from orchestrator import __version__
from orchestrator.api.app import build_app
from orchestrator.api.context import Ports
from orchestrator.api.listening import bind, listening
from orchestrator.api.ports import Rehydration
from orchestrator.domain.councils import DEFAULT_KEY_VARIABLE, Endpoint
from orchestrator.domain.errors import (
    RefusedError,
    UnavailableError,
    WrongSettingError,
)
from orchestrator.domain.ids import Prefix, with_prefix
from orchestrator.domain.predecessor import Reading, read_councils
from orchestrator.domain.pruning import GraphSize, Keep, Pruned, Pruning
from orchestrator.engine.desk import Capacity, Desk
from orchestrator.engine.patience import Patience, until_available
from orchestrator.engine.presence import Presence
from orchestrator.graph import pruning
from orchestrator.graph.councils import Councils
from orchestrator.graph.deliberations import GraphDeliberations
from orchestrator.graph.doctor import Examination, endless_timeouts, examine
from orchestrator.graph.driver import Graph, open_graph
from orchestrator.graph.errors import AuthenticationError, MisconfiguredError
from orchestrator.graph.indexes import Filling, await_indexes
from orchestrator.graph.migrations import migrate
from orchestrator.graph.moving.batches import Lines
from orchestrator.graph.moving.exporting import export
from orchestrator.graph.moving.form import Contents
from orchestrator.graph.moving.former import Defaults, as_lines, told_apart
from orchestrator.graph.moving.importing import Import, import_lines
from orchestrator.graph.moving.mistakes import NotImportedError
from orchestrator.graph.moving.writing import Told
from orchestrator.graph.records import GraphRecords
from orchestrator.graph.rehydration import rehydrate
from orchestrator.graph.seeding import read_seed, seed, settle_defaults
from orchestrator.settings import Settings
from orchestrator.valkey.documents import read_documents
from orchestrator.vllm.client import ModelClient
from orchestrator.vllm.connections import Connections
from orchestrator.vllm.rehearsal import Rehearsal
from orchestrator.vllm.watch import Watch

Hook = Callable[[str], Awaitable[None]]

_REACH_AGAIN_SECONDS = 0.5

_log = structlog.get_logger(__name__)


class OpenToTheWorldError(WrongSettingError):
    """The API would be open to whoever can reach it, and nobody said that it may be."""

    def __init__(self, host: str) -> None:
        """`host` is where it would have listened."""
        self.host: str = host
        super().__init__(
            f"COUNCIL_HOST is {host}: whoever can reach it could do everything, since callers are not asked who they are. Set COUNCIL_ANONYMOUS=all if something in front of it asks them, or listen on 127.0.0.1"
        )


class Service:
    """A running orchestrator, and how it is: what the API's `service` tells."""

    def __init__(
        self, *, graph: Graph, desk: Desk, settings: Settings, on_step: Callable[[str], None]
    ) -> None:
        self._graph = graph
        self._desk = desk
        self._settings = settings
        self._on_step = on_step
        self._seed = read_seed(settings.seed)
        self._step: str | None = "Neo4j"
        self._ending = False
        self.ready: asyncio.Event = asyncio.Event()
        self.closing: asyncio.Event = asyncio.Event()
        self._version: str = __version__
        self._started_at: datetime = datetime.now(UTC)
        self._rehydration: Rehydration | None = None

    @property
    def version(self) -> str:
        """The version of this package."""
        return self._version

    @property
    def started_at(self) -> datetime:
        """When the process was started."""
        return self._started_at

    @property
    def ending(self) -> bool:
        """Whether it was told to end: it answers still, and accepts nothing."""
        return self._ending

    def end(self) -> None:
        """Be ready for nothing new from this moment on."""
        self._ending = True
        self._step = "its end"
        self.ready.clear()

    @property
    def waiting_for(self) -> str | None:
        """What it waits for; none where it is ready."""
        return self._step or self._desk.waiting_for

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
        try:
            return await self._graph.server()
        except UnavailableError:
            return None

    async def graph_size(self) -> GraphSize | None:
        """Return how much is in the graph; none while it cannot be reached."""
        try:
            return await pruning.measure(self._graph)
        except UnavailableError:
            return None

    async def live(self) -> None:
        """Reach the graph, bring it up to date, take up what was under way, and go on until `closing`.

        Raises:
            AuthenticationError: the graph refuses the login; waiting would not help.
            CouncilError: the graph or the seed file is not what this version can work with.
        """
        await self._reach()
        began = time.perf_counter()
        self._begin("migrations")
        for name in await until_available(lambda: migrate(self._graph)):
            _log.info("migration_applied", name=name)
        await until_available(lambda: await_indexes(self._graph, tell=self._tell_of_indexes))
        self._begin("seeding")
        for settled in await until_available(
            lambda: settle_defaults(self._graph, self._settings.vllm_url, self._settings.vllm_model)
        ):
            _log.info(
                "default_settled",
                setting=settled.setting,
                before=settled.before,
                after=settled.after,
                agents=settled.agents,
            )
        seeded = await until_available(lambda: seed(self._graph, self._seed))
        self._begin("rehydration")
        registry = await until_available(lambda: rehydrate(self._graph))
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
            if not self._ending:
                self._step = None
                self.ready.set()
            await self.closing.wait()
            await self._desk.drain(timedelta(seconds=self._settings.drain_seconds))

    def _begin(self, step: str) -> None:
        self._step = step
        self._on_step(step)

    def _tell_of_indexes(self, filling: tuple[Filling, ...]) -> None:
        """A large graph takes minutes, and whoever waits wants to see that it goes on."""
        self._begin(f"indexes that Neo4j fills: {', '.join(map(str, filling))}")
        _log.info(
            "waiting_for_indexes", percent={index.name: round(index.percent) for index in filling}
        )

    async def _reach(self) -> None:
        """Wait for Neo4j as long as it takes; told once."""
        told = False
        while True:
            try:
                agent = await self._graph.server()
            except AuthenticationError:
                raise
            except UnavailableError as error:
                if not told:
                    _log.warning("waiting_for_graph", what=error.what)
                told = True
                await asyncio.sleep(_REACH_AGAIN_SECONDS)
            else:
                _log.info("graph_reached", agent=agent)
                return


async def serve(
    settings: Settings,
    *,
    on_step: Callable[[str], None] = lambda _: None,
    on_ready: Hook | None = None,
    on_stopping: Callable[[], Awaitable[None]] | None = None,
) -> int:
    """Run until SIGINT, SIGTERM or SIGHUP, then end in order; at a second signal without draining.

    `on_step` is told what the start waits for next, `on_ready` the URL of the API once it is ready; `on_stopping` is called before anything ends.

    Raises:
        CouncilError: it cannot start, or cannot go on.
    """
    if not (settings.anonymous == "all" or _is_loopback(settings.host)):
        raise OpenToTheWorldError(settings.host)
    listener = bind(settings.host, settings.port)
    stop = _on_signals()
    try:
        await _serve(
            settings, listener, stop, on_step=on_step, on_ready=on_ready, on_stopping=on_stopping
        )
    except asyncio.CancelledError:
        if not stop.is_set():
            raise
        _log.warning("ended_at_once")
        return 128 + signal.SIGINT
    _log.info("ended")
    return 0


async def _serve(
    settings: Settings,
    listener: socket.socket,
    stop: asyncio.Event,
    *,
    on_step: Callable[[str], None],
    on_ready: Hook | None,
    on_stopping: Callable[[], Awaitable[None]] | None,
) -> None:
    async with _parts(settings, on_step) as (service, ports, watching):
        url = f"http://{_shown(settings.host)}:{listener.getsockname()[1]}"
        async with listening(build_app(lambda: ports), listener):
            _log.info("listening", url=url, rehearsal=service.rehearsal)
            life = asyncio.create_task(service.live(), name="life")
            try:
                await _first_of(stop, service.ready, unless=(life, watching))
                if on_ready is not None and service.ready.is_set() and not stop.is_set():
                    await on_ready(url)
                await _first_of(stop, unless=(life, watching))
                begun = service.ready.is_set()
                service.end()
                if on_stopping is not None:
                    await on_stopping()
                if begun:
                    service.closing.set()
                    await life
            finally:
                life.cancel()
                await asyncio.wait([life])


def check_seed(settings: Settings) -> None:
    """Look at the file that COUNCIL_SEED names; raises CouncilError with what is wrong with it."""
    read_seed(settings.seed)


async def migrate_graph(
    settings: Settings, *, tell: Callable[[tuple[Filling, ...]], None]
) -> tuple[str, ...]:
    """Bring the graph to the form that this version needs; return the names of the migrations applied.

    `tell` is told which indexes are still being filled, every few seconds.
    """
    async with _graph(settings) as graph:
        applied = await migrate(graph)
        await await_indexes(graph, tell=tell)
        return applied


async def examine_graph(settings: Settings) -> Examination:
    """Check the whole graph against the rules that Neo4j Community cannot enforce, and its server's timeouts."""
    async with _graph(settings) as graph:
        return Examination(
            violations=await examine(graph), endless_timeouts=await endless_timeouts(graph)
        )


async def prune_graph(
    settings: Settings,
    age: timedelta,
    keep: Keep | None,
    *,
    dry_run: bool,
    tell: Callable[[Pruned, Pruning], None],
) -> bool:
    """Prune what ended so long ago, beside the processes that work on the graph; or count it, and write nothing.

    `tell` is told all that was pruned, or counted, so far, and before what, by the server's clock. SIGINT, SIGTERM
    and SIGHUP end it between two transactions, a second one at once. Returns whether it went to its end.

    Raises:
        CouncilError: it cannot go on; what was told is done.
        OverflowError: nothing is so old.
    """
    stop = _on_signals()
    try:
        async with _graph(settings) as graph:
            order = await pruning.older_than(graph, age, keep)
            tell(Pruned(), order)
            await (pruning.count if dry_run else pruning.prune)(
                graph, order, stop=stop, tell=lambda pruned: tell(pruned, order)
            )
    except asyncio.CancelledError:
        if not stop.is_set():
            raise
    return not stop.is_set()


@contextlib.asynccontextmanager
async def exported(settings: Settings, *, everything: bool) -> AsyncGenerator[AsyncGenerator[str]]:
    """Yield the lines of a file with the councils, or with everything in the graph."""
    contents = Contents.EVERYTHING if everything else Contents.COUNCILS
    async with (
        _graph(settings) as graph,
        contextlib.aclosing(export(graph, contents)) as lines,
    ):
        yield lines


async def import_file(
    settings: Settings, lines: Lines, *, dry_run: bool, verify: bool, told: Told
) -> Import:
    """Import what `exported` wrote."""
    async with _graph(settings) as graph:
        return await import_lines(
            graph,
            lines,
            seed=read_seed(settings.seed),
            allow_link_local=settings.allow_link_local,
            dry_run=dry_run,
            verify=verify,
            told=told,
        )


async def import_predecessor(
    settings: Settings, url: str, *, dry_run: bool, verify: bool, told: Told
) -> tuple[Import, Reading]:
    """Import what the predecessor kept in the Valkey at a URL; also returns what was read there."""
    try:
        documents = await read_documents(url)
        reading = read_councils(documents.texts)
    except RefusedError as refused:
        raise NotImportedError(*refused.mistakes) from refused
    reading.notes += [f"ignored: {what}" for what in documents.ignored]
    councils, renamed = told_apart(reading.councils)
    reading.notes += renamed
    async with _graph(settings) as graph:
        lines = await as_lines(
            graph,
            councils,
            Defaults(model=settings.vllm_model, url=settings.vllm_url),
        )
        imported = await import_lines(
            graph,
            lambda: lines,
            seed=read_seed(settings.seed),
            allow_link_local=settings.allow_link_local,
            dry_run=dry_run,
            verify=verify,
            told=told,
        )
    return imported, reading


def _graph(settings: Settings) -> contextlib.AbstractAsyncContextManager[Graph]:
    if settings.neo4j_uri is None:
        raise MisconfiguredError("NEO4J_URI is not set: it says where the graph is")
    password = settings.neo4j_password
    return open_graph(
        settings.neo4j_uri,
        settings.neo4j_user,
        None if password is None else password.get_secret_value(),
        settings.neo4j_database,
    )


@contextlib.asynccontextmanager
async def _parts(
    settings: Settings, on_step: Callable[[str], None]
) -> AsyncGenerator[tuple[Service, Ports, asyncio.Task[None]]]:
    """Join the parts, and close them in the opposite order; the task watches the endpoints."""
    environment = dict(os.environ)
    if settings.vllm_api_key is not None:
        environment[DEFAULT_KEY_VARIABLE] = settings.vllm_api_key.get_secret_value()
    async with (
        _graph(settings) as graph,
        Connections(
            environment=environment,
            calls_per_endpoint=settings.calls_per_endpoint,
            allow_link_local=settings.allow_link_local,
        ) as connections,
        Rehearsal() as rehearsal,
    ):
        councils = Councils(graph)

        async def note_served(endpoint: Endpoint, models: tuple[str, ...]) -> None:
            await councils.note_served(endpoint.id, models)

        watch = Watch(
            endpoints=councils.endpoints,
            connections=connections,
            on_models=note_served,
        )
        desk = Desk(
            process=with_prefix(Prefix.PROCESS, uuid_utils.uuid7().hex),
            host=socket.gethostname(),
            deliberations=GraphDeliberations(graph),
            models=ModelClient(connections=connections, watch=watch, rehearsal=rehearsal),
            presence=Presence(settings.home),
            capacity=Capacity(
                concurrency=settings.concurrency,
                lease=timedelta(seconds=settings.lease_seconds),
                patience=Patience(endpoint=timedelta(seconds=settings.endpoint_wait_seconds)),
            ),
        )
        service = Service(graph=graph, desk=desk, settings=settings, on_step=on_step)
        ports = Ports(
            councils=councils,
            records=GraphRecords(graph),
            docket=desk,
            watch=watch,
            service=service,
            allow_link_local=settings.allow_link_local,
        )
        watching = asyncio.create_task(watch.run(), name="watch")
        try:
            yield service, ports, watching
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching


def _on_signals() -> asyncio.Event:
    """Return what is set by a signal that asks for the end; a second one cancels the caller."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    caller = asyncio.current_task()

    def heard() -> None:
        if stop.is_set() and caller is not None:
            caller.cancel()
        stop.set()

    # A terminal that is closed sends SIGHUP.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, heard)
    return stop


async def _first_of(*events: asyncio.Event, unless: tuple[asyncio.Task[None], ...]) -> None:
    """Wait for one of the events; where one of the tasks dies before, raise what it died of."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait([*unless, *waits], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    for task in unless:
        if task.done():
            task.result()


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
