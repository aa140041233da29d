"""Reading all councils back at a start: our one statement beside the key-value way, as the councils grow."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import redis

from orchestrator.engine.registry import Registry
from orchestrator.graph.driver import Graph
from orchestrator.graph.rehydration import rehydrate
from orchestrator.graph.seeding import read_seed, settle_defaults
from tests.benchmarks import key_value
from tests.benchmarks.bench import Bench, run, statement
from tests.benchmarks.processes import answered
from tests.benchmarks.redis_server import INSTALL, open_redis
from tests.benchmarks.results import Figure, Report, load, ratio

_FEW = 5


@dataclass(frozen=True, slots=True)
class _Sizes:
    councils: tuple[int, ...]
    most_runs: int
    """Of the smallest; of the largest a tenth."""
    trips: int


_FULL = _Sizes(councils=(10, 100, 1_000, 10_000), most_runs=50, trips=300)
_QUICK = _Sizes(councils=(10, 100), most_runs=3, trips=10)


async def measure(bench: Bench) -> Report:
    """Measure time at each size, in turns with the key-value way, and memory in fresh processes."""
    before = load()
    sizes = _QUICK if bench.quick else _FULL
    figures: list[Figure] = []
    remarks = [
        "Ours ends in the domain's values; the key-value way in dicts, as json.loads makes them.",
        "Each agent has a persona of its own, of some 270 characters.",
    ]
    async with (
        bench.empty_graph() as graph,
        open_redis(bench.home("redis")) as client,
    ):
        if client is None:
            remarks.append(INSTALL)
        await settle_defaults(graph, "http://127.0.0.1:9/v1", "a-model")
        await _grow(graph, 0, _FEW)
        figures += await _few(graph, sizes.trips)
        there = _FEW
        for councils in sizes.councils:
            await _grow(graph, there, councils)
            there = councils
            bench.tell(f"  {councils:,} councils …")
            runs = max(sizes.most_runs // 10, sizes.most_runs * sizes.councils[0] // councils)
            figures += await _compare(graph, client, councils, runs=max(runs, 3))
        figures += await _memory(bench, there)
    return Report(
        name="rehydration",
        figures=tuple(figures),
        remarks=tuple(remarks),
        load_before=before,
        load_after=load(),
    )


async def _grow(graph: Graph, there: int, councils: int) -> None:
    seed = read_seed(None)
    if seed is None:
        raise LookupError("the package has no seed")
    personas = [agent.persona for council in seed.councils for agent in council.agents]
    await run(graph.driver, "make_councils", first=there + 1, last=councils, personas=personas)


async def _few(graph: Graph, trips: int) -> list[Figure]:
    """Measure a handful of councils in round trips of the same driver."""
    ours: list[float] = []
    bare: list[float] = []
    async with graph.driver.session(database=graph.database) as session:
        for measured in (False, True):
            for _ in range(trips):
                began = time.perf_counter()
                await (await session.run(statement("return_one"))).consume()
                between = time.perf_counter()
                await rehydrate(graph)
                if measured:
                    ours.append(time.perf_counter() - between)
                    bare.append(between - began)
    milliseconds = tuple(1000 * value for value in ours)
    return [
        Figure(what="5 councils, warm", unit="ms", values=milliseconds),
        Figure(what="RETURN 1", unit="ms", values=tuple(1000 * value for value in bare)),
        ratio(
            "5 councils, warm, to a bare Bolt round trip",
            ours,
            bare,
            target="at most 5",
        ),
    ]


async def _compare(
    graph: Graph, client: redis.Redis | None, councils: int, *, runs: int
) -> list[Figure]:
    ours: list[float] = []
    theirs: list[float] = []
    registry = await rehydrate(graph)
    _check(len(registry.councils), councils)
    if client is not None:
        key_value.store(client, registry.councils.values())
        _check(len(key_value.read_all(client)), councils)
    del registry
    for _ in range(runs):
        ours.append(await _timed(graph, councils))
        if client is not None:
            theirs.append(_timed_now(lambda: key_value.read_all(client), councils))
    name = f"{councils:,} councils"
    figures = [
        Figure(what=f"{name}: ours", unit="ms", values=tuple(1000 * one for one in ours)),
        Figure(
            what=f"{name}: ours, a council",
            unit="µs",
            values=tuple(1e6 * one / councils for one in ours),
        ),
    ]
    if theirs:
        target = "at most 0.7" if councils == max(_FULL.councils) else ""
        figures += [
            Figure(
                what=f"{name}: the key-value way",
                unit="ms",
                values=tuple(1000 * one for one in theirs),
            ),
            ratio(f"{name}: ours to the key-value way", ours, theirs, target=target),
        ]
    return figures


async def _timed(graph: Graph, councils: int) -> float:
    began = time.perf_counter()
    registry: Registry = await rehydrate(graph)
    took = time.perf_counter() - began
    _check(len(registry.councils), councils)
    return took


def _timed_now(read: Callable[[], list[dict[str, object]]], councils: int) -> float:
    began = time.perf_counter()
    documents = read()
    took = time.perf_counter() - began
    _check(len(documents), councils)
    return took


def _check(found: int, wanted: int) -> None:
    if found != wanted:
        raise AssertionError(f"{found} councils came back, not {wanted}")


async def _memory(bench: Bench, councils: int) -> list[Figure]:
    """Measure memory in processes that do nothing else."""
    runs = 1 if bench.quick else 3
    environment = bench.server.environment
    held: list[float] = []
    resident: list[float] = []
    for _ in range(runs):
        told = await answered("rehydration_memory", "traced", environment=environment)
        held.append(told["bytes"] / 1024 / councils)
        told = await answered("rehydration_memory", "resident", environment=environment)
        resident.append(told["bytes"] / 1024 / councils)
    return [
        Figure(
            what=f"{councils:,} councils: memory of the registry, a council",
            unit="KiB",
            values=tuple(held),
            target="at most 4",
        ),
        Figure(
            what=f"{councils:,} councils: growth of the process, a council",
            unit="KiB",
            values=tuple(resident),
        ),
    ]
