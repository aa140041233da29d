"""Turns of 1 KB recorded through the engine's recorder: by one process, and by four on the same agents."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from orchestrator.graph.seeding import read_seed, seed, settle_defaults
from tests.benchmarks.bench import Bench
from tests.benchmarks.processes import child
from tests.benchmarks.results import Figure, Report, load

PROCESSES = 4


@dataclass(frozen=True, slots=True)
class _Sizes:
    deliberations: int
    """Of twelve turns each."""
    runs: int


_FULL = _Sizes(deliberations=1000, runs=5)
_QUICK = _Sizes(deliberations=16, runs=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What one run recorded."""

    turns: int
    rate: float
    """Turns a second, over all processes."""
    ours: float
    """Milliseconds of processor time a turn, over all processes."""
    neo4j: float | None
    retried: Counter[str]
    """Transactions that were run again, by the reason."""


async def measure(bench: Bench) -> Report:
    """Let one process record alone, then four accept, claim, record and decide all at the same time."""
    before = load()
    sizes = _QUICK if bench.quick else _FULL
    alone: list[Recorded] = []
    together: list[Recorded] = []
    async with bench.empty_graph() as graph:
        await settle_defaults(graph, "http://127.0.0.1:9/v1", "a-model")
        await seed(graph, read_seed(None))
        for run in range(sizes.runs + 1):
            bench.tell(f"  one process, run {run} …")
            one = await record(bench, processes=1, how="record", each=sizes.deliberations)
            if run or bench.quick:  # the first warms Neo4j up
                alone.append(one)
        for run in range(sizes.runs):
            bench.tell(f"  {PROCESSES} processes, run {run} …")
            each = sizes.deliberations // PROCESSES
            together.append(await record(bench, processes=PROCESSES, how="all", each=each))
    retried = sum((one.retried for one in together), Counter[str]())
    reasons = ", ".join(f"{reason} {times} times" for reason, times in retried.items())
    return Report(
        name="recording",
        figures=(
            *_figures("one process", alone, target="at least 5,000"),
            *_figures(f"{PROCESSES} processes, accepting, claiming and deciding too", together),
            Figure(
                what=f"{PROCESSES} processes: transactions that had to be run again",
                unit="transactions",
                values=tuple(float(sum(one.retried.values())) for one in together),
                target="no deadlock",
            ),
        ),
        remarks=(
            f"Run again, of all runs: {reasons or 'none'}.",
            f"{sizes.deliberations} deliberations of twelve turns a run, 64 of each process under way, the turns of a step at once.",
        ),
        load_before=before,
        load_after=load(),
    )


def _figures(name: str, recorded: list[Recorded], *, target: str = "") -> list[Figure]:
    figures = [
        Figure(
            what=f"{name}: turns recorded",
            unit="a second",
            values=tuple(one.rate for one in recorded),
            target=target,
        ),
        Figure(
            what=f"{name}: processor time a turn, ours",
            unit="ms",
            values=tuple(one.ours for one in recorded),
        ),
    ]
    neo4j = tuple(one.neo4j for one in recorded if one.neo4j is not None)
    if neo4j:
        figures.append(
            Figure(what=f"{name}: processor time a turn, Neo4j", unit="ms", values=neo4j)
        )
    return figures


async def record(bench: Bench, *, processes: int, how: str, each: int) -> Recorded:
    """Let so many processes begin at the same moment, and add up what they did."""
    environment = bench.server.environment
    async with AsyncExitStack() as stack:
        children = [
            await stack.enter_async_context(
                child("recording_process", how, environment=environment)
            )
            for _ in range(processes)
        ]
        for one in children:
            await one.tell(prepare=each)
        for one in children:
            await one.says()
        cpu, began = bench.neo4j_cpu_seconds(), time.perf_counter()
        for one in children:
            await one.tell(go=True)
        told: list[dict[str, Any]] = [await one.says() for one in children]
        seconds, now = time.perf_counter() - began, bench.neo4j_cpu_seconds()
    turns: int = sum(one["turns"] for one in told)
    return Recorded(
        turns=turns,
        rate=turns / seconds,
        ours=1000 * sum(one["cpu"] for one in told) / turns,
        neo4j=None if cpu is None or now is None else 1000 * (now - cpu) / turns,
        retried=sum((Counter[str](one["retried"]) for one in told), Counter[str]()),
    )
