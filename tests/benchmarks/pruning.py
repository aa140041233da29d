"""Turns recorded with and without a pruning beside it, in turns."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from orchestrator.domain.pruning import Keep, Pruned, Pruning
from orchestrator.graph.deliberations import GraphDeliberations
from orchestrator.graph.driver import Graph
from orchestrator.graph.pruning import WRITING, prune
from orchestrator.graph.seeding import read_seed, seed, settle_defaults
from tests.benchmarks.bench import Bench
from tests.benchmarks.recording import record
from tests.benchmarks.results import Figure, Report, load, ratio
from tests.support.deliberating import LEASE
from tests.support.ended import make_ended

_PROCESS = "prc_pruned"


@dataclass(frozen=True, slots=True)
class _Sizes:
    old: int
    deliberations: int
    """Of twelve turns each, recorded in a run."""
    runs: int


_FULL = _Sizes(old=4_000, deliberations=1_000, runs=7)
_QUICK = _Sizes(old=100, deliberations=16, runs=1)


@dataclass
class _Beside:
    """What was pruned while something else went on."""

    pruned: Pruned = field(default_factory=Pruned)
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        return self.pruned.deliberations / self.seconds


async def measure(bench: Bench) -> Report:
    """Record alone, beside a removal and beside one that keeps winners, again and again."""
    before = load()
    sizes = _QUICK if bench.quick else _FULL
    rates: dict[str, list[float]] = {"alone": [], "beside": [], "keeping": []}
    removed: list[float] = []
    emptied: list[float] = []
    async with bench.empty_graph() as graph:
        await settle_defaults(graph, "http://127.0.0.1:9/v1", "a-model")
        await seed(graph, read_seed(None))
        await GraphDeliberations(graph).enter(_PROCESS, "bench", LEASE)
        bench.tell(f"  making {sizes.old:,} old deliberations …")
        await make_ended(graph.driver, graph.database, first=1, last=sizes.old, process=_PROCESS)
        await record(bench, processes=1, how="record", each=sizes.deliberations)
        for run in range(sizes.runs):
            bench.tell(f"  run {run} …")
            alone = await record(bench, processes=1, how="record", each=sizes.deliberations)
            rates["alone"].append(alone.rate)
            for name, keep, pruned in (
                ("beside", None, removed),
                ("keeping", Keep.WINNERS, emptied),
            ):
                async with _pruning(graph, keep) as beside:
                    recorded = await record(
                        bench, processes=1, how="record", each=sizes.deliberations
                    )
                rates[name].append(recorded.rate)
                pruned.append(beside.rate)
    return Report(
        name="pruning",
        figures=(
            Figure(what="turns recorded, alone", unit="a second", values=tuple(rates["alone"])),
            Figure(
                what="turns recorded, beside a pruning",
                unit="a second",
                values=tuple(rates["beside"]),
            ),
            ratio(
                "beside a pruning, to alone", rates["beside"], rates["alone"], target="at least 0.9"
            ),
            ratio(
                "beside one that keeps winners, to alone",
                rates["keeping"],
                rates["alone"],
                target="at least 0.9",
            ),
            Figure(what="deliberations removed meanwhile", unit="a second", values=tuple(removed)),
            Figure(what="deliberations emptied meanwhile", unit="a second", values=tuple(emptied)),
        ),
        remarks=(
            f"The pruning writes {WRITING:.0%} of the time, with one statement at once.",
            "Recording does as much as it can, which is what a pruning disturbs most.",
        ),
        load_before=before,
        load_after=load(),
    )


@asynccontextmanager
async def _pruning(graph: Graph, keep: Keep | None) -> AsyncGenerator[_Beside]:
    """Prune for as long as the context is entered."""
    beside = _Beside()
    stop = asyncio.Event()
    order = Pruning(before=datetime.now(UTC) - timedelta(days=90), keep=keep)

    def tell(pruned: Pruned) -> None:
        beside.pruned = pruned

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(prune(graph, order, stop=stop, tell=tell))
        yield beside
        if task.done():
            raise AssertionError("there was too little to prune")
        beside.seconds = time.perf_counter() - began
        stop.set()
