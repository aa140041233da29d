"""What dashboards read, beside @neo4j/graphql on GraphQL Yoga over the same graph, and the same statements by the bare driver."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from neo4j import AsyncDriver

from tests.benchmarks import limits_share
from tests.benchmarks.bench import Bench, document, run
from tests.benchmarks.missing import MissingError
from tests.benchmarks.peer import Serving, neo4j_graphql
from tests.benchmarks.processes import Child, child, cpu_seconds
from tests.benchmarks.quiet_service import QuietService
from tests.benchmarks.results import Figure, Report, load
from tests.support.ended import TURN

_COUNCILS = 60
_WITH_TURNS = 64
"""The newest deliberations, of which one has its transcript read."""

_PERSONA = "You write code for a living and want the simplest thing that works today. " * 3
_AFTER_ALL = "~"


@dataclass(frozen=True, slots=True)
class _Sizes:
    deliberations: int
    at_once: tuple[int, ...]
    warming: float
    """Seconds of each read by each side."""
    seconds: float
    """Of one block of a side; the sides take turns."""
    rounds: int


_FULL = _Sizes(20_000, at_once=(1, 8, 32), warming=10.0, seconds=1.0, rounds=3)
_QUICK = _Sizes(400, at_once=(1, 8), warming=0.2, seconds=0.3, rounds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One thing to read, in the words of both."""

    name: str
    ours: str
    theirs: str
    variables: dict[str, Any]
    statements: tuple[tuple[str, dict[str, Any]], ...]
    """What ours comes to, one after the other."""
    target: float
    """Of the peer's requests per second, at 8 at once."""


@dataclass(frozen=True, slots=True)
class _Side:
    """Who is asked: `pid` has what Neo4j has not of the processor time; none where the asker itself is who is measured."""

    name: str
    url: str | None
    pid: int | None


@dataclass(frozen=True, slots=True)
class _Block:
    """What one side did in one block. Processor time is in milliseconds an answer."""

    times: tuple[float, ...]
    failed: int
    failure: str
    rate: float
    own: float
    neo4j: float
    asker: float
    """Of the processor time of one core, percent."""


async def measure(bench: Bench) -> Report:
    """Measure each read at each number at once, the sides in turns."""
    before = load()
    sizes = _QUICK if bench.quick else _FULL
    remarks = [
        f"{sizes.deliberations:,} deliberations of {_COUNCILS} councils of five; every answer is read whole and looked at, over connections that are kept.",
        "Processor time is that of the process and of Neo4j, an answer; everything shares this machine's cores, the asker too.",
        "The floor: the statements that the service runs for it, by the service's driver, and nothing made of what they return.",
    ]
    figures: list[Figure] = []
    async with AsyncExitStack() as stack:
        graph = await stack.enter_async_context(bench.empty_graph())
        service = await stack.enter_async_context(
            QuietService(
                home=bench.home("reads"),
                environment={**bench.server.environment, "COUNCIL_SEED": "none"},
            )
        )
        await service.ready()
        bench.tell("  filling the graph …")
        await fill(graph.driver, sizes.deliberations)
        sides = [_Side("the service", f"{service.url}/graphql", service.pid)]
        try:
            peer: Serving = await stack.enter_async_context(neo4j_graphql(bench.server.environment))
        except MissingError as missing:
            remarks.append(f"@neo4j/graphql was not measured: {missing}.")
        else:
            sides.append(_Side("the peer", peer.url, peer.pid))
        asker = await stack.enter_async_context(child("asking"))
        floor = await stack.enter_async_context(
            child("reading_floor", environment=bench.server.environment)
        )
        sides.append(_Side("the floor", None, floor.pid))
        place = _Place(bench, asker, floor)
        for read in reads_of(sizes.deliberations):
            bench.tell(f"  {read.name} …")
            for side in sides:
                await place.block(read, side, 8, sizes.warming)
            for at_once in sizes.at_once:
                blocks: dict[str, list[_Block]] = {side.name: [] for side in sides}
                for _ in range(sizes.rounds):
                    for side in sides:
                        block = await place.block(read, side, at_once, sizes.seconds)
                        blocks[side.name].append(block)
                        bench.tell(
                            f"    {at_once} at once, {side.name}: {block.rate:.1f} a second, processor time {block.own:.1f} ms and Neo4j's {block.neo4j:.1f}"
                        )
                figures += _figures(read, at_once, blocks)
                if at_once == 1:
                    figures += await _limits(read, blocks["the service"])
                remarks += _failures(read, at_once, blocks)
    return Report(
        name="api",
        figures=tuple(figures),
        remarks=tuple(remarks),
        load_before=before,
        load_after=load(),
    )


async def fill(driver: AsyncDriver, deliberations: int) -> None:
    """Make so many deliberations, 64 at least, in a graph that has nothing but the default model."""
    await run(driver, "make_councils_of_five", first=1, last=_COUNCILS, persona=_PERSONA)
    await run(driver, "make_deliberations", first=1, last=deliberations)
    newest = range(deliberations - _WITH_TURNS + 1, deliberations + 1)
    ids = [_deliberation(number) for number in newest]
    await run(driver, "make_turns", ids=ids, turn=TURN)


@dataclass(frozen=True, slots=True)
class _Place:
    bench: Bench
    asker: Child
    floor: Child

    async def block(self, read: Read, side: _Side, at_once: int, seconds: float) -> _Block:
        """Have one side asked for so long."""
        neo4j, own = self._neo4j(), self._own(side)
        if side.url is None:
            who = self.floor
            await who.tell(statements=read.statements, at_once=at_once, seconds=seconds)
        else:
            who = self.asker
            text = read.ours if side.name == "the service" else read.theirs
            body = json.dumps({"query": text, "variables": read.variables})
            await who.tell(url=side.url, body=body, at_once=at_once, seconds=seconds)
        told = await who.says()
        answered = len(told["times"])
        return _Block(
            times=tuple(told["times"]),
            failed=told["failed"],
            failure=told["failure"],
            rate=answered / told["elapsed"],
            own=1000 * (self._own(side) - own) / max(answered, 1),
            neo4j=1000 * (self._neo4j() - neo4j) / max(answered, 1),
            asker=100 * told["cpu"] / told["elapsed"],
        )

    def _neo4j(self) -> float:
        return self.bench.neo4j_cpu_seconds() or 0.0

    def _own(self, side: _Side) -> float:
        return 0.0 if side.pid is None else cpu_seconds(side.pid)


def reads_of(deliberations: int) -> tuple[Read, ...]:
    """What is read of a graph that was filled with so many deliberations, 660 at least."""
    council = f"cou_{_COUNCILS // 2:032}"
    of_council = [
        _deliberation(number)
        for number in range(deliberations, 0, -1)
        if number % _COUNCILS == _COUNCILS // 2 - 1
    ]
    decided = deliberations - 1
    newest = _deliberation(decided)
    newest_decided = [
        _deliberation(number) for number in range(deliberations, 0, -1) if number % 10
    ][:50]
    some: dict[str, Any] = {
        "above": "",
        "below": _AFTER_ALL,
        "acceptedSince": None,
        "acceptedBefore": None,
        "role": None,
        "statuses": None,
    }
    statuses = ["DECIDED"]

    def text(name: str) -> tuple[str, str]:
        return document(f"reads/{name}.graphql"), document(f"peers/neo4j-graphql/{name}.graphql")

    def read(
        name: str, what: str, target: float, variables: dict[str, Any], *statements: Any
    ) -> Read:
        ours, theirs = text(what)
        return Read(
            name=name,
            ours=ours,
            theirs=theirs,
            variables=variables,
            statements=statements,
            target=target,
        )

    page = {"key": _AFTER_ALL, "limit": 51, "includeArchived": False, "nameContains": None}
    seated = {"seated": True}
    return (
        read("R1 50 councils", "councils", 3.5, {}, ("council/list_older", page | seated)),
        read(
            "R2 a council and its last 10 deliberations",
            "council",
            2.5,
            {"id": council},
            ("council/find_by_id", {"ids": [council], "seated": False}),
            ("deliberation/list_older_of_council", {**some, "councils": [council], "limit": 11}),
            ("deliberation/read_without_seats", {"ids": of_council[:10], "brief": False}),
        ),
        read(
            "R3 a deliberation of 20 turns",
            "deliberation",
            3.0,
            {"id": newest},
            ("deliberation/read", {"ids": [newest], "brief": False}),
            ("turn/read_transcripts", {"ids": [newest], "brief": []}),
        ),
        read(
            f"R4 the newest 50 of {deliberations:,} by status",
            "deliberations",
            5.0,
            {"statuses": statuses},
            (
                "deliberation/list_older_in_status",
                {**some, "statuses": statuses, "councils": [None], "limit": 51},
            ),
            ("deliberation/read_without_seats", {"ids": newest_decided, "brief": False}),
            ("deliberation/count_by_status", {}),
        ),
    )


def _figures(read: Read, at_once: int, blocks: dict[str, list[_Block]]) -> list[Figure]:
    at = f"{read.name}, {at_once} at once: "
    aimed = at_once == 8

    def figure(what: str, unit: str, values: Sequence[float], target: str = "") -> Figure:
        return Figure(what=at + what, unit=unit, values=tuple(values), target=target)

    figures: list[Figure] = []
    for name, of in blocks.items():
        figures.append(figure(name, "a second", [block.rate for block in of]))
        times = sorted(time for block in of for time in block.times)
        if times:
            # Of all blocks together: one has too few answers for a hundredth of them.
            figures.append(figure(f"{name}, 99 of 100 within", "ms", [_p99(times)]))
        if name != "the floor":
            figures.append(figure(f"{name}, its own processor time", "ms", [b.own for b in of]))
        figures.append(figure(f"{name}, Neo4j's processor time", "ms", [b.neo4j for b in of]))
    ours, theirs = blocks["the service"], blocks.get("the peer", ())
    figures.append(figure("the asker of the service, of a core", "%", [b.asker for b in ours]))
    if theirs and all(block.times for block in (*ours, *theirs)):
        pairs = tuple(zip(ours, theirs, strict=True))
        rates = [a.rate / b.rate for a, b in pairs]
        cpu = [(a.own + a.neo4j) / (b.own + b.neo4j) for a, b in pairs]
        slowest = [_p99(sorted(a.times)) / _p99(sorted(b.times)) for a, b in pairs]
        figures += [
            figure("requests, to the peer's", "ratio", rates, f"at least {read.target}" * aimed),
            figure("processor time, to the peer's", "ratio", cpu, "at most 0.35" * aimed),
            figure("99 of 100 within, to the peer's", "ratio", slowest, "at most 0.5" * aimed),
        ]
    figures.append(
        figure(
            "the service, no answer",
            "requests",
            [float(block.failed) for block in ours],
            "0" if at_once == 32 else "",
        )
    )
    return figures


async def _limits(read: Read, blocks: Sequence[_Block]) -> list[Figure]:
    """What the limits take of it, beside the processor time that the service takes for an answer."""
    taken = await limits_share.milliseconds(read.ours, read.variables)
    own = statistics.median(block.own for block in blocks)
    if not own:
        return []
    return [
        Figure(
            what=f"{read.name}: its limits, of the service's processor time",
            unit="%",
            values=tuple(100 * one / own for one in taken),
            target="under 2" if read.name.startswith("R1") else "",
        )
    ]


def _failures(read: Read, at_once: int, blocks: dict[str, list[_Block]]) -> list[str]:
    """Say whose requests failed, and what the first said."""
    return [
        f"{read.name}, {at_once} at once: of {name} {failed:,} of {failed + answered:,} requests failed: {first}"
        for name, of in blocks.items()
        for failed, answered, first in [
            (
                sum(block.failed for block in of),
                sum(len(block.times) for block in of),
                next((block.failure for block in of if block.failure), ""),
            )
        ]
        if failed
    ]


def _p99(ordered: Sequence[float]) -> float:
    return ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]


def _deliberation(number: int) -> str:
    return f"dlb_0190{number:08}"
