"""Deliberations of three seats and one round: the service through its API, beside the bare calls and LangGraph."""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from neo4j import AsyncDriver

from tests.benchmarks.api import Api, open_api
from tests.benchmarks.bench import Bench, statement
from tests.benchmarks.idle_memory import idle_memory
from tests.benchmarks.missing import MissingError
from tests.benchmarks.peer import LangGraph, langgraph
from tests.benchmarks.processes import Child, child, cpu_seconds, family_cpu_seconds, started
from tests.benchmarks.quiet_service import QuietService
from tests.benchmarks.results import Figure, Report, load, ratio

LATENCY = 0.05
AT_ONCE = 64
_BACKLOG = 24
"""Accepted beyond those that run, so that the service never waits for its client."""

_SUBMITTERS = 4
_LOOK_SECONDS = 0.05
_LOOK_AT_ONE_SECONDS = 0.002
DESCRIPTION = (
    "Our webhook handler retries at once and for ever when a receiver answers 500. Propose a policy for "
    "retries that does not flood a receiver that is recovering, and say where its state is kept."
)

_OF_LANGGRAPH = "LangGraph makes the same calls, a node each, and keeps each answer in a Postgres of its own; both are as they come."


@dataclass(frozen=True, slots=True)
class _Sizes:
    warm_up: int
    blocks: int
    """Of `alone` deliberations each, in turns with the floor's."""
    alone: int
    rounds: int
    """Of `many` deliberations each, in turns with the floor's."""
    many: int


_FULL = _Sizes(warm_up=6400, blocks=8, alone=6, rounds=3, many=640)
_QUICK = _Sizes(warm_up=96, blocks=2, alone=2, rounds=1, many=192)


@dataclass(slots=True)
class _Used:
    """Processor time, in milliseconds a deliberation, by whose it is."""

    service: list[float] = field(default_factory=list)
    neo4j: list[float] = field(default_factory=list)
    model: list[float] = field(default_factory=list)
    floor: list[float] = field(default_factory=list)
    client: list[float] = field(default_factory=list)
    langgraph: list[float] = field(default_factory=list)
    postgres: list[float] = field(default_factory=list)

    def figures(self) -> list[Figure]:
        """Show it of all that were measured."""
        names = {
            "the service": self.service,
            "Neo4j": self.neo4j,
            "LangGraph": self.langgraph,
            "Postgres": self.postgres,
            "the model server": self.model,
            "the floor": self.floor,
            "this client": self.client,
        }
        return [
            _milliseconds(f"processor time a deliberation: {name}", values, scale=1)
            for name, values in names.items()
            if values
        ]


async def measure(bench: Bench) -> Report:
    """Measure one deliberation at a time, then many, in turns with the floor."""
    before = load()
    memory = await idle_memory()
    sizes = _QUICK if bench.quick else _FULL
    async with AsyncExitStack() as stack:
        model = await stack.enter_async_context(
            started(
                sys.executable,
                "-m",
                "tests.support.model_server",
                *("--latency", str(LATENCY), "--length", "1000"),
                says=True,
            )
        )
        graph = await stack.enter_async_context(bench.empty_graph())
        service = await stack.enter_async_context(
            QuietService(
                home=bench.home("deliberation"),
                environment={
                    **bench.server.environment,
                    "VLLM_URL": model.said,
                    "VLLM_MODEL": "tiny",
                    "COUNCIL_CONCURRENCY": str(AT_ONCE),
                },
            )
        )
        await service.ready()
        api = await stack.enter_async_context(open_api(service.url))
        floor = await stack.enter_async_context(child("floor", model.said, DESCRIPTION))
        peer: LangGraph | None = None
        try:
            peer = await stack.enter_async_context(langgraph(model.said, DESCRIPTION))
        except MissingError as missing:
            remarks = [f"LangGraph with its Postgres saver was not measured: {missing}."]
        else:
            remarks = [_OF_LANGGRAPH]
        run = _Run(
            bench=bench,
            service=service.pid,
            model=model.pid,
            api=api,
            floor=floor,
            peer=peer,
            driver=graph.driver,
        )
        bench.tell("  warming up …")
        await run.many(sizes.warm_up)
        await calls(floor, sizes.warm_up // 4, at_once=AT_ONCE)
        if peer is not None:
            await calls(peer.child, sizes.warm_up // 8, at_once=AT_ONCE)
        bench.tell("  alone …")
        figures = await run.all_alone(sizes)
        bench.tell(f"  {AT_ONCE} at once …")
        figures += await run.all_at_once(sizes)
    return Report(
        name="deliberation",
        figures=(*figures, *memory),
        remarks=(
            f"The model takes {1000 * LATENCY:g} ms a call and answers with 1 KB; everything shares this machine's cores.",
            "Alone, the time is a client's: from sending the mutation to knowing the verdict, by deliberationEvents over a WebSocket, or by looking at the status in the graph every 2 ms.",
            f"At once, {AT_ONCE} run and up to {_BACKLOG} wait; the rate is that between the {AT_ONCE}th verdict and the {AT_ONCE}th last, by a count in the graph every {1000 * _LOOK_SECONDS:g} ms.",
            "The floor makes the same twelve calls in four steps, with the service's own client, and stores nothing.",
            *remarks,
        ),
        load_before=before,
        load_after=load(),
    )


class _Run:
    """The processes that take part."""

    def __init__(
        self,
        *,
        bench: Bench,
        service: int,
        model: int,
        api: Api,
        floor: Child,
        peer: LangGraph | None,
        driver: AsyncDriver,
    ) -> None:
        self._bench = bench
        self._service = service
        self._model = model
        self._api = api
        self._floor = floor
        self._peer = peer
        self._driver = driver
        self._there = 0
        """Deliberations that have ended so far."""

    async def all_alone(self, sizes: _Sizes) -> list[Figure]:
        """Measure one after the other, in blocks: the floor's, the service's over a socket, by the graph."""
        floor: list[float] = []
        by_socket: list[float] = []
        by_graph: list[float] = []
        accepting: list[float] = []
        async with self._api.followed() as following:
            for _ in range(sizes.blocks):
                times, _ = await calls(self._floor, sizes.alone, at_once=1)
                floor.append(statistics.median(ended - began for began, ended in times))
                block = [
                    await self._one(following.until_decided, accepting) for _ in range(sizes.alone)
                ]
                by_socket.append(statistics.median(block))
                block = [
                    await self._one(self._until_decided, accepting) for _ in range(sizes.alone)
                ]
                by_graph.append(statistics.median(block))
        return [
            _milliseconds("alone: the floor", floor),
            _milliseconds("alone: the service, by its events", by_socket),
            ratio("alone: the service to the floor", by_socket, floor, target="at most 1.15"),
            _milliseconds("alone: the service, by the graph", by_graph),
            ratio("alone: the service to the floor, by the graph", by_graph, floor),
            _milliseconds("alone: of these, until it was accepted", accepting),
        ]

    async def all_at_once(self, sizes: _Sizes) -> list[Figure]:
        """Measure many, in turns with the floor, with the processor time of everybody."""
        used = _Used()
        floor: list[float] = []
        ours: list[float] = []
        theirs: list[float] = []
        for _ in range(sizes.rounds):
            model = cpu_seconds(self._model)
            times, cpu = await calls(self._floor, sizes.many, at_once=AT_ONCE)
            floor.append(_rate(sorted(ended for _, ended in times)))
            used.floor.append(1000 * cpu / sizes.many)
            used.model.append(1000 * (cpu_seconds(self._model) - model) / sizes.many)
            neo4j = self._bench.neo4j_cpu_seconds()
            service, client = cpu_seconds(self._service), time.process_time()
            ours.append(await self.many(sizes.many))
            used.service.append(1000 * (cpu_seconds(self._service) - service) / sizes.many)
            used.client.append(1000 * (time.process_time() - client) / sizes.many)
            now = self._bench.neo4j_cpu_seconds()
            if neo4j is not None and now is not None:
                used.neo4j.append(1000 * (now - neo4j) / sizes.many)
            if self._peer is not None:
                theirs.append(await _langgraph(self._peer, sizes.many, used))
        name = f"{AT_ONCE} at once"
        unit = "a second"
        return [
            Figure(what=f"{name}: the floor", unit=unit, values=tuple(floor)),
            Figure(what=f"{name}: the service", unit=unit, values=tuple(ours)),
            ratio(f"{name}: the service to the floor", ours, floor, target="at least 0.5"),
            *(
                [
                    Figure(
                        what=f"{name}: LangGraph with Postgres", unit=unit, values=tuple(theirs)
                    ),
                    ratio(f"{name}: the service to LangGraph", ours, theirs, target="at least 2"),
                    ratio(f"{name}: LangGraph to the floor", theirs, floor),
                ]
                if theirs
                else []
            ),
            *used.figures(),
        ]

    async def many(self, count: int) -> float:
        """Have so many deliberated, and return how many were a second in the steady state."""
        there = self._there
        begun = 0
        room = asyncio.Semaphore(AT_ONCE + _BACKLOG)

        async def submit() -> None:
            nonlocal begun
            while begun < count:
                begun += 1
                await room.acquire()
                await self._api.deliberate(DESCRIPTION)

        seen: list[float] = []
        async with asyncio.TaskGroup() as group:
            for _ in range(_SUBMITTERS):
                group.create_task(submit())
            while len(seen) < count:
                await asyncio.sleep(_LOOK_SECONDS)
                ended, now = await self._ended() - there, time.perf_counter()
                for _ in range(ended - len(seen)):
                    seen.append(now)
                    room.release()
        self._there += count
        return _rate(seen)

    async def _ended(self) -> int:
        records = (
            await self._driver.execute_query(
                statement("count_ended"), database_=self._bench.server.database
            )
        ).records
        if records[0]["failed"]:
            raise AssertionError(f"{records[0]['failed']} deliberations failed")
        return records[0]["decided"]

    async def _one(
        self, until_decided: Callable[[str], Awaitable[None]], accepting: list[float]
    ) -> float:
        began = time.perf_counter()
        accepted = await self._api.deliberate(DESCRIPTION)
        accepting.append(time.perf_counter() - began)
        await until_decided(accepted)
        self._there += 1
        return time.perf_counter() - began

    async def _until_decided(self, deliberation: str) -> None:
        while True:
            records = (
                await self._driver.execute_query(
                    statement("show_status"), id=deliberation, database_=self._bench.server.database
                )
            ).records
            if records[0]["status"] == "DECIDED":
                return
            await asyncio.sleep(_LOOK_AT_ONE_SECONDS)


async def calls(
    child: Child, count: int, *, at_once: int, apart: float = 0.0
) -> tuple[Sequence[tuple[float, float]], float]:
    """Have the floor or a peer make the calls of so many; return when each began and ended, and the processor time of all.

    Those that go on at once begin so many seconds `apart`.
    """
    await child.tell(count=count, at_once=at_once, apart=apart)
    told = await child.says()
    return [(began, ended) for began, ended in told["times"]], told["cpu"]


async def _langgraph(peer: LangGraph, count: int, used: _Used) -> float:
    """Return how many LangGraph has a second in the steady state."""
    postgres = family_cpu_seconds(peer.postgres.pid)
    times, cpu = await calls(peer.child, count, at_once=AT_ONCE)
    used.langgraph.append(1000 * cpu / count)
    used.postgres.append(1000 * (family_cpu_seconds(peer.postgres.pid) - postgres) / count)
    return _rate(sorted(ended for _, ended in times))


def _rate(ends: Sequence[float]) -> float:
    """Return ends a second, without the first and the last of them: what begins and what runs out.

    Ends that were seen by one look have one time, so those of the first look are not counted.
    """
    edge = min(AT_ONCE, len(ends) // 4)
    steady = ends[edge : len(ends) - edge]
    counted = sum(end > steady[0] for end in steady)
    return counted / max(steady[-1] - steady[0], _LOOK_SECONDS)


def _milliseconds(what: str, values: Sequence[float], *, scale: float = 1000) -> Figure:
    return Figure(what=what, unit="ms", values=tuple(scale * value for value in values))
