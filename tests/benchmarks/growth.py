"""What the things that are done all the time cost as the graph grows, and what a deliberation takes on disk."""

from __future__ import annotations

import itertools
import statistics
import time
from collections import defaultdict
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from orchestrator.domain.deliberations import Status, StopReason
from orchestrator.domain.filters import DeliberationFilter
from orchestrator.domain.pages import PageRequest
from orchestrator.graph.deliberations import GraphDeliberations
from orchestrator.graph.driver import Graph
from orchestrator.graph.pruning import measure as measure_graph
from orchestrator.graph.records import GraphRecords
from orchestrator.graph.seeding import read_seed, seed, settle_defaults
from tests.benchmarks.bench import Bench
from tests.benchmarks.results import Figure, Report, load
from tests.support.deliberating import LEASE, an_order, proposals, recordings
from tests.support.ended import make_ended
from tests.support.lists import page_of

T = TypeVar("T")

_PROCESS = "prc_grown"
_WARMING = 10
"""Rounds at each size that are not counted: Neo4j has just done something else."""


@dataclass(frozen=True, slots=True)
class _Sizes:
    deliberations: tuple[int, ...]
    runs: int
    warming: int
    """Rounds before all: Java compiles what is done often, and the smallest size comes first."""


_FULL = _Sizes(deliberations=(1_000, 10_000, 100_000), runs=60, warming=400)
_QUICK = _Sizes(deliberations=(100, 200, 400), runs=5, warming=0)

Costs = dict[str, list[float]]
"""Seconds of each thing that is done, by its name."""


async def measure(bench: Bench) -> Report:
    """Grow the graph step by step, and measure the same things at each."""
    before = load()
    sizes = _QUICK if bench.quick else _FULL
    costs: dict[int, Costs] = {}
    stored: dict[int, int] = {}
    there = 0
    async with bench.empty_graph() as graph:
        await settle_defaults(graph, "http://127.0.0.1:9/v1", "a-model")
        await seed(graph, read_seed(None))
        await GraphDeliberations(graph).enter(_PROCESS, "bench", LEASE)
        for size in sizes.deliberations:
            bench.tell(f"  growing to {size:,} deliberations …")
            began = time.perf_counter()
            await make_ended(
                graph.driver, graph.database, first=there + 1, last=size, process=_PROCESS
            )
            bench.tell(f"  grown in {time.perf_counter() - began:.0f} s, measuring …")
            if there == 0:
                await _costs(graph, sizes.warming)
            there = size
            costs[size] = await _costs(graph, sizes.runs)
            stored[size] = _stored(bench)
    return Report(
        name="growth",
        figures=(*_figures(costs), *_on_disk(stored)),
        remarks=(
            "Each deliberation has 12 turns of 1 KB, three seats, a claim, a verdict and a task of its own.",
            "On disk: the store of the database with its indexes, without the transaction logs, which Neo4j keeps apart and bounds by itself; what it still holds in memory (64 MB) is not in it.",
        ),
        load_before=before,
        load_after=load(),
    )


async def _costs(graph: Graph, runs: int) -> Costs:
    """Accept, claim and record one deliberation after the other, and look at the newest lists in between."""
    deliberations, records = GraphDeliberations(graph), GraphRecords(graph)
    some = (await page_of(records, PageRequest(limit=1), DeliberationFilter())).items[0]
    pages = {
        "newest 20": DeliberationFilter(),
        "newest 20 of a role": DeliberationFilter(role=some.role),
        "newest 20 of a council": DeliberationFilter(council_id=some.council_id),
        "newest 20 decided": DeliberationFilter(statuses=(Status.DECIDED,)),
    }
    costs: Costs = defaultdict(list)

    async def timed(name: str, work: Coroutine[Any, Any, T]) -> T:
        """Do what has not begun before it is awaited."""
        began = time.perf_counter()
        done = await work
        costs[name].append(time.perf_counter() - began)
        return done

    for _ in range(_WARMING + runs):
        await timed("an accept", deliberations.accept(an_order()))
        (held,) = await timed("a claim", deliberations.claim(_PROCESS, 1, (), ()))
        turn = proposals(held.deliberation)[:1]
        await timed("a turn", deliberations.record(recordings(held, turn)))
        for name, where in pages.items():
            await timed(name, page_of(records, PageRequest(limit=20), where))
        await timed("the size of the graph", measure_graph(graph))
        if not await deliberations.fail(held, None, StopReason.ERROR, "it was only measured"):
            raise AssertionError(f"{held.deliberation} was lost")
    return {name: values[_WARMING:] for name, values in costs.items()}


def _figures(costs: dict[int, Costs]) -> list[Figure]:
    """Every cost at every size, and how much more it is than at the smallest."""
    smallest = min(costs)
    figures: list[Figure] = []
    for name in costs[smallest]:
        least = statistics.median(costs[smallest][name])
        for size, at in costs.items():
            figures.append(
                Figure(
                    what=f"{name}, with {size:,} deliberations",
                    unit="ms",
                    values=tuple(1000 * value for value in at[name]),
                )
            )
        figures.extend(
            Figure(
                what=f"{name}, with {size:,} deliberations to with {smallest:,}",
                unit="ratio",
                values=(statistics.median(at[name]) / least,),
                target="about 1",
            )
            for size, at in costs.items()
            if size != smallest
        )
    return figures


def _on_disk(stored: dict[int, int]) -> list[Figure]:
    """What a deliberation adds to the store, from each size to the next; what the first add is still in memory."""
    steps = sorted(stored)
    return [
        Figure(
            what=f"on disk a deliberation, from {fewer:,} to {more:,}",
            unit="KB",
            values=((stored[more] - stored[fewer]) / (more - fewer) / 1000,),
            target="LangGraph 29 to 72, DBOS 28",
        )
        for fewer, more in itertools.pairwise(steps)
        if stored[more]
    ]


def _stored(bench: Bench) -> int:
    """Bytes of the databases' stores; none where the server is not one of ours on this machine."""
    if bench.neo4j_pid is None:
        return 0
    return sum(_allocated(file) for file in bench.folder.glob("neo4j/data/databases/neo4j/**/*"))


def _allocated(file: Path) -> int:
    """What a file takes of the disk: some are longer than what is in them."""
    return file.stat().st_blocks * 512 if file.is_file() else 0
