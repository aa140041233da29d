"""Persistence as a share of a deliberation's time, by how long the model takes; beside the bare calls (`floor`)."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from neo4j import AsyncDriver

from tests.benchmarks.api import Api, open_api
from tests.benchmarks.bench import Bench, run
from tests.benchmarks.deliberation import DESCRIPTION, calls
from tests.benchmarks.processes import Child, child, started
from tests.benchmarks.quiet_service import QuietService
from tests.benchmarks.results import Figure, Report, load

_TIMED = Path(__file__).with_name("timed_council.py")


@dataclass(frozen=True, slots=True)
class _Latency:
    seconds: float
    """Of a call."""
    runs: int
    at_once: int
    """So many of the service's and as many of the floor's share a call's time, each at moments of its own."""
    target: float
    """Percent."""


_FULL = (
    _Latency(0.05, runs=24, at_once=1, target=10),
    _Latency(0.5, runs=12, at_once=1, target=1),
    _Latency(5.0, runs=12, at_once=6, target=0.1),
)
_QUICK = (_Latency(0.05, runs=2, at_once=1, target=10), _Latency(0.5, 4, 2, 1))
_WARM_UP = 6_400
_WARM_UP_AT_ONCE = 64
_PACE = 0.05
_SIX = (True, False, True, True, True, True)
"""Which of the six writes come after a call's time: all but a claim, which follows at once upon another."""

Write = tuple[str, float, float]
"""A statement, and when it was sent and answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """A deliberation of the service, and the floor's beside it; seconds."""

    ours: float
    floor: float
    accepting: float
    """Of ours, until it was accepted."""
    writes: dict[str, float]
    """How long ours waited for Neo4j to write, by statement."""
    writing: float
    """The same in all; writes at the same time are counted once."""

    @property
    def share(self) -> float:
        """Percent of our time that the floor has not."""
        return 100 * (self.ours - self.floor) / self.ours


@dataclass(frozen=True, slots=True)
class _Place:
    """What is measured, and what it is measured with."""

    api: Api
    floor: Child
    writes: Path

    async def runs(self, latency: _Latency) -> list[_Run]:
        """Measure the service and the floor in turns; where several share a call's time, in between each other."""
        found: list[_Run] = []
        apart = latency.seconds / latency.at_once
        while len(found) < latency.runs:
            if latency.at_once == 1:
                floor = await self._floor(1, 0.0)
                ours = [await self._one()]
            else:
                beside = asyncio.create_task(self._floor(latency.at_once, apart))
                await asyncio.sleep(apart / 2)
                ours = await asyncio.gather(
                    *(self._one(after=number * apart) for number in range(latency.at_once))
                )
                floor = await beside
            writes = _writes(self.writes)
            for bare, (id_, began, accepted, ended) in zip(floor, ours, strict=True):
                found.append(
                    _Run(
                        ours=ended - began,
                        floor=bare,
                        accepting=accepted - began,
                        writes=_by_statement(writes[id_]),
                        writing=covered((sent, answered) for _, sent, answered in writes[id_]),
                    )
                )
        return found

    async def _floor(self, count: int, apart: float) -> list[float]:
        times, _ = await calls(self.floor, count, at_once=count, apart=apart)
        return [ended - began for began, ended in sorted(times)]

    async def _one(self, *, after: float = 0.0) -> tuple[str, float, float, float]:
        """Return its id, when it was ordered, when it was accepted, and when its verdict was known."""
        async with self.api.followed() as following:
            await asyncio.sleep(after)
            began = time.perf_counter()
            id_ = await self.api.deliberate(DESCRIPTION)
            accepted = time.perf_counter()
            await following.until_decided(id_)
            return id_, began, accepted, time.perf_counter()

    async def warm_up(self, deliberations: int) -> None:
        """Have Neo4j compile what it does often, and the service load what it loads at the first use."""
        room = asyncio.Semaphore(_WARM_UP_AT_ONCE)

        async def one() -> None:
            async with room:
                await self._one()

        async with asyncio.TaskGroup() as group:
            for _ in range(deliberations):
                group.create_task(one())
        await self._floor(_WARM_UP_AT_ONCE, 0.0)


async def measure(bench: Bench) -> Report:
    """Measure one deliberation at a time at each latency."""
    before = load()
    figures: list[Figure] = []
    async with AsyncExitStack() as stack:
        model = await stack.enter_async_context(
            started(sys.executable, "-m", "tests.support.model_server", says=True)
        )
        graph = await stack.enter_async_context(bench.empty_graph())
        home = bench.home("persistence")
        writes = home / "writes.jsonl"
        service = await stack.enter_async_context(
            QuietService(
                home=home,
                environment={
                    **bench.server.environment,
                    "VLLM_URL": model.said,
                    "VLLM_MODEL": "tiny",
                },
                command=Path(sys.executable),
                arguments=("-P", str(_TIMED), str(writes), "serve"),
            )
        )
        await service.ready()
        api = await stack.enter_async_context(open_api(service.url))
        floor = await stack.enter_async_context(child("floor", model.said, DESCRIPTION))
        place = _Place(api, floor, writes)
        await _take(model.said, 0.02)
        bench.tell("  warming up …")
        await place.warm_up(_WARM_UP_AT_ONCE if bench.quick else _WARM_UP)
        for latency in _QUICK if bench.quick else _FULL:
            bench.tell(f"  {1000 * latency.seconds:g} ms a call …")
            await _take(model.said, latency.seconds)
            figures += _figures(latency, await place.runs(latency))
        figures += await _least_of_six(graph.driver, 4 if bench.quick else 60)
    return Report(
        name="persistence",
        figures=tuple(figures),
        remarks=(
            "The share: what a deliberation takes longer than its bare calls, of its own time; a client's, from sending the mutation to knowing the verdict over a WebSocket.",
            "Of it Neo4j's writes: from sending a statement to having its answer, as the service sees it; the rest is the API, the engine, and reads for who follows.",
            "The least of six writes: transactions that each create one node without a property over the bare driver, a claim's at once after another and five after 50 ms, in which caches are lost; an acceptance, a claim and four steps, the last with the verdict, are as many.",
            "One at a time and in turns with the floor; at 5 s a call six of each share a call's time, at moments so far apart that none meets another.",
        ),
        load_before=before,
        load_after=load(),
    )


def _figures(latency: _Latency, runs: Sequence[_Run]) -> list[Figure]:
    at = f"{1000 * latency.seconds:,.0f} ms a call: "

    def figure(what: str, unit: str, values: Iterable[float], target: str = "") -> Figure:
        return Figure(what=at + what, unit=unit, values=tuple(values), target=target)

    statements = sorted({name for run in runs for name in run.writes})
    return [
        figure("the floor", "ms", (1000 * run.floor for run in runs)),
        figure("the service", "ms", (1000 * run.ours for run in runs)),
        figure("the share", "%", (run.share for run in runs), f"under {latency.target:g}"),
        figure("of it Neo4j's writes", "%", (100 * run.writing / run.ours for run in runs)),
        figure("of it Neo4j's writes", "ms", (1000 * run.writing for run in runs)),
        *(
            figure(f"… {name}", "ms", (1000 * run.writes.get(name, 0.0) for run in runs))
            for name in statements
        ),
        figure(
            "of the service's time, until it was accepted",
            "ms",
            (1000 * run.accepting for run in runs),
        ),
    ]


async def _least_of_six(driver: AsyncDriver, runs: int) -> list[Figure]:
    """Return what six writes cost where nothing could be written with less, at the pace of a deliberation."""
    least: list[float] = []
    for _ in range(runs):
        writing = 0.0
        for after_a_call in _SIX:
            await asyncio.sleep(_PACE if after_a_call else 0)
            began = time.perf_counter()
            await run(driver, "create_one")
            writing += time.perf_counter() - began
        least.append(writing)
    return [
        Figure(
            what="the least of six writes",
            unit="ms",
            values=tuple(1000 * seconds for seconds in least),
        )
    ]


def _writes(file: Path) -> dict[str, list[Write]]:
    """Read what was written down, by deliberation."""
    found: dict[str, list[Write]] = defaultdict(list)
    for line in file.read_text(encoding="utf-8").splitlines():
        name, of, sent, answered = json.loads(line)
        for deliberation in of:
            found[deliberation].append((name, sent, answered))
    return found


def _by_statement(writes: Sequence[Write]) -> dict[str, float]:
    """Return the seconds of each statement's writes."""
    names = {name for name, _, _ in writes}
    return {
        one: covered((sent, answered) for name, sent, answered in writes if name == one)
        for one in names
    }


def covered(spans: Iterable[tuple[float, float]]) -> float:
    """Return how long at least one of these spans lasted."""
    total, until = 0.0, 0.0
    for began, ended in sorted(spans):
        total += max(0.0, ended - max(began, until))
        until = max(until, ended)
    return total


async def _take(url: str, seconds: float) -> None:
    """Have the model take so long from now on."""
    rules: list[dict[str, Any]] = [{"behaviour": {"latency": seconds, "length": 1000}}]
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url.removesuffix('/v1')}/script", json=rules) as response,
    ):
        response.raise_for_status()
