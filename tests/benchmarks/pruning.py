"""Turns recorded beside a pruning: short blocks with and without it in turns, each with compared to its neighbours without."""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from typing_extensions import override

from orchestrator.domain.pruning import Keep, Pruned, Pruning
from orchestrator.graph.deliberations import GraphDeliberations
from orchestrator.graph.driver import Graph
from orchestrator.graph.pruning import WRITING, prune
from orchestrator.graph.seeding import read_seed, seed, settle_defaults
from tests.benchmarks.bench import Bench
from tests.benchmarks.processes import Child, child
from tests.benchmarks.results import Figure, Report, load
from tests.support.deliberating import LEASE
from tests.support.ended import make_ended
from tests.support.waiting import until

_PROCESS = "prc_pruned"
_REST_SECONDS = 60.0
"""The longest until a pruning rests: longer than it needs for anything."""


@dataclass(frozen=True, slots=True)
class _Sizes:
    old: int
    deliberations: int
    """Of twelve turns each, recorded in a block."""
    blocks: int
    """With each pruning; between them, before and after as many without."""
    warming: int


_FULL = _Sizes(old=2_000, deliberations=200, blocks=20, warming=10)
_QUICK = _Sizes(old=100, deliberations=16, blocks=2, warming=0)


class _Pause(asyncio.Event):
    """What a pruning is told to stop by, which can also hold it in its rests: between its statements."""

    def __init__(self) -> None:
        super().__init__()
        self.on = asyncio.Event()
        self.resting = False

    @override
    async def wait(self) -> Literal[True]:
        self.resting = True
        try:
            return await super().wait()
        finally:
            # The rest is over, or all is.
            await self.on.wait()
            self.resting = False


@dataclass
class _Beside:
    """A pruning that goes on for some of the time."""

    pause: _Pause = field(default_factory=_Pause)
    pruned: Pruned = field(default_factory=Pruned)
    seconds: float = 0.0

    @asynccontextmanager
    async def going_on(self) -> AsyncGenerator[None]:
        """Let it go on, and then wait until it rests again."""
        began = time.perf_counter()
        self.pause.on.set()
        yield
        self.pause.on.clear()
        await until(lambda: self.pause.resting, _REST_SECONDS)
        self.seconds += time.perf_counter() - began


@dataclass(frozen=True, slots=True)
class _Blocks:
    """Turns a second, of one block after the other."""

    alone: tuple[float, ...]
    beside: tuple[float, ...]
    pruned: float
    """Deliberations a second of the time with a pruning."""

    @property
    def ratios(self) -> tuple[float, ...]:
        """Each with a pruning, to the two without that it lies between."""
        pairs = itertools.pairwise(self.alone)
        return tuple(
            statistics.fmean((beside / before, beside / after))
            for beside, (before, after) in zip(self.beside, pairs, strict=True)
        )


async def measure(bench: Bench) -> Report:
    """Record beside a removal, then beside one that keeps winners."""
    before = load()
    sizes = _QUICK if bench.quick else _FULL
    async with (
        bench.empty_graph() as graph,
        child("recording_process", "record", environment=bench.server.environment) as recorder,
    ):
        await settle_defaults(graph, "http://127.0.0.1:9/v1", "a-model")
        await seed(graph, read_seed(None))
        await GraphDeliberations(graph).enter(_PROCESS, "bench", LEASE)
        bench.tell(f"  making {sizes.old:,} old deliberations …")
        await make_ended(graph.driver, graph.database, first=1, last=sizes.old, process=_PROCESS)
        bench.tell("  warming up …")
        for _ in range(sizes.warming):
            await _record(recorder, sizes)
        bench.tell("  beside a pruning …")
        removing = await _blocks(graph, recorder, None, sizes)
        bench.tell("  beside one that keeps winners …")
        emptying = await _blocks(graph, recorder, Keep.WINNERS, sizes)
    alone = removing.alone + emptying.alone
    return Report(
        name="pruning",
        figures=(
            Figure(what="turns recorded, alone", unit="a second", values=alone),
            Figure(
                what="turns recorded, beside a pruning", unit="a second", values=removing.beside
            ),
            *_ratios("beside a pruning", removing),
            *_ratios("beside one that keeps winners", emptying),
            Figure(
                what="alone, to the ones before and after: the noise",
                unit="ratio",
                values=_noise(alone),
            ),
        ),
        remarks=(
            f"The pruning writes {WRITING:.0%} of the time, with one statement at once.",
            f"Blocks of {12 * sizes.deliberations:,} turns, with a pruning and without in turns; each ratio is of a block with it to the two without that it lies between.",
            "Recording does as much as it can, which is what a pruning disturbs most.",
        ),
        load_before=before,
        load_after=load(),
    )


def _ratios(name: str, blocks: _Blocks) -> list[Figure]:
    return [
        Figure(what=f"{name}, to alone", unit="ratio", values=blocks.ratios, target="at least 0.9"),
        Figure(what=f"{name}: deliberations pruned", unit="a second", values=(blocks.pruned,)),
    ]


async def _blocks(graph: Graph, recorder: Child, keep: Keep | None, sizes: _Sizes) -> _Blocks:
    async with _pruning(graph, keep) as beside:
        alone = [await _record(recorder, sizes)]
        with_it: list[float] = []
        for _ in range(sizes.blocks):
            await recorder.tell(prepare=sizes.deliberations)
            await recorder.says()
            async with beside.going_on():
                with_it.append(await _go(recorder))
            alone.append(await _record(recorder, sizes))
        return _Blocks(tuple(alone), tuple(with_it), beside.pruned.deliberations / beside.seconds)


async def _record(recorder: Child, sizes: _Sizes) -> float:
    await recorder.tell(prepare=sizes.deliberations)
    await recorder.says()
    return await _go(recorder)


async def _go(recorder: Child) -> float:
    """Return the turns that it recorded a second."""
    await recorder.tell(go=True)
    told = await recorder.says()
    return told["turns"] / told["seconds"]


def _noise(alone: Sequence[float]) -> tuple[float, ...]:
    """The same ratio of blocks without a pruning: what it is where there is nothing to be seen."""
    return tuple(
        statistics.fmean((at / before, at / after))
        for before, at, after in zip(alone, alone[1:], alone[2:], strict=False)
    )


@asynccontextmanager
async def _pruning(graph: Graph, keep: Keep | None) -> AsyncGenerator[_Beside]:
    """Have a pruning ready, which rests."""
    beside = _Beside()
    order = Pruning(before=datetime.now(UTC) - timedelta(days=90), keep=keep)

    def tell(pruned: Pruned) -> None:
        beside.pruned = pruned

    async with asyncio.TaskGroup() as group:
        task = group.create_task(prune(graph, order, stop=beside.pause, tell=tell))
        try:
            await until(lambda: beside.pause.resting, _REST_SECONDS)
            yield beside
            if task.done():
                raise AssertionError("there was too little to prune")
        finally:
            beside.pause.on.set()
            beside.pause.set()
