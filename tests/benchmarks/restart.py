"""From a kill to where it had been: sixteen deliberations under way, SIGKILL, and the same command again at once.

Or not again, and a process elsewhere takes them over.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orchestrator.domain.ids import turn_named
from orchestrator.engine.desk import Capacity
from orchestrator.graph.driver import Graph
from tests.benchmarks.api import open_api
from tests.benchmarks.bench import Bench, statement
from tests.benchmarks.quiet_service import QuietService
from tests.benchmarks.results import Figure, Report, load
from tests.support.evidence import quiet
from tests.support.model_behaviour import Behaviour
from tests.support.model_server import ModelServer
from tests.support.waiting import eventually

_LATENCY = 0.2
_DELIBERATIONS = 16
_STEP = 3
"""Turns of a step, of which a deliberation has four."""

_KINDS = ("PROPOSAL", "CRITIQUE", "REVISION", "BALLOT")
_LAST_MOMENT = 0.9
"""Of the time that all of it takes: the kills are spread up to here."""

_MIDDLE = 2 * _LATENCY
"""Seconds after the last accept: what was accepted then has two of its four steps still before it, however quick all is."""

_LEASE = Capacity().lease.total_seconds()
_END_SECONDS = 60.0
_EVENTS = ("graph_reached", "deliberation_claimed")


@dataclass(frozen=True, slots=True)
class _Sizes:
    kills: int
    at_once: int
    """Kills right after the last accept."""
    beside: int
    """Kills beside another process."""


_FULL = _Sizes(kills=20, at_once=5, beside=6)
_QUICK = _Sizes(kills=2, at_once=1, beside=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kill:
    """One kill, and what came of it; times in seconds from the start of the new process."""

    first_call: float | None
    """None where nothing was left to be asked."""
    all_done: float | None
    """None where all had been decided."""
    left: float
    """The model's time that the slowest had still before it."""
    steps: dict[str, float]
    repeated: int
    """Calls that the dead process had made as well."""
    answered: int
    """Of these, calls that the model had answered."""
    recorded: int
    """Of these, calls whose turn had been recorded."""
    lost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Takeover:
    """What came of a kill beside another process; times in seconds until that made the first resumed call.

    They are none where the one that was killed had nothing under way.
    """

    since_kill: float | None = None
    since_lapse: float | None = None
    """From the end of the lease of the one that was killed."""
    lost: int


@dataclass(frozen=True, slots=True)
class _Ends:
    """How deliberations stand in the graph."""

    undecided: int
    lost: int
    """Not there, or ended otherwise."""
    last: float
    """When the last one was decided."""


@dataclass(frozen=True, slots=True)
class _Host:
    """The service at its place, its model server and its graph."""

    service: QuietService
    model: ModelServer
    graph: Graph

    async def accepted(self) -> tuple[list[str], float]:
        """Have all accepted at once; return them, and when the last was."""
        async with open_api(self.service.url) as api:
            ids = await asyncio.gather(
                *(api.deliberate("What is killed?") for _ in range(_DELIBERATIONS))
            )
        return ids, time.time()

    async def undisturbed(self) -> float:
        """Return the seconds from the last accept until all are decided."""
        ids, last = await self.accepted()
        return (await self.ended(ids)).last - last

    async def killed(self, after: float) -> _Kill:
        """Kill it so many seconds after the last accept, start it again, and wait until all are decided."""
        ids, last = await self.accepted()
        await asyncio.sleep(last + after - time.time())
        await self.service.kill()
        before = list(self.model.requests)
        spawned = time.time()
        await self.service.start()
        # The new process needs longer until it writes anything than this takes: it is checked below.
        await quiet(self.graph.driver, self.graph.database)
        turns = await self._turns(ids)
        looked = time.time()
        ends = await self.ended(ids)
        await self.service.ready()
        steps = self._steps(spawned)
        if looked > spawned + steps["graph_reached"]:
            raise AssertionError("the graph was looked at too late")
        after_it = self.model.requests[len(before) :]
        if after_it:
            steps["call"] = after_it[0].begun - spawned
        made = Counter(request.id for request in before)
        again = [request for request in after_it if made[request.id]]
        answered = {request.id for request in before if request.outcome == "answered"}
        recorded = {turn for turn, _, _ in turns}
        left = max(_steps_left(turns, id_) for id_ in ids)
        return _Kill(
            first_call=steps.get("call"),
            all_done=ends.last - spawned if ends.last > spawned else None,
            left=left * _LATENCY,
            steps=steps,
            repeated=len(again),
            answered=sum(request.id in answered for request in again),
            recorded=sum(request.id in recorded for request in again),
            lost=ends.lost,
        )

    async def taken_over(self, after: float) -> _Takeover:
        """Kill it so many seconds after the last accept, and start it again once another has decided all."""
        ids, last = await self.accepted()
        asked = len(self.model.requests)
        await asyncio.sleep(last + after - time.time())
        killed = time.time()
        await self.service.kill()
        ends = await self.ended(ids)
        taken = {row["id"]: row for row in await self._read("show_takeovers", ids)}
        await self.service.start()
        await self.service.ready()
        resumed: list[tuple[float, str]] = []
        for request in self.model.requests[asked:]:
            named = turn_named(request.id)
            if named and named[0] in taken and request.begun > taken[named[0]]["at"]:
                resumed.append((request.begun, named[0]))
        if not resumed:
            return _Takeover(lost=ends.lost)
        begun, first = min(resumed)
        return _Takeover(
            since_kill=begun - killed, since_lapse=begun - taken[first]["lapsed"], lost=ends.lost
        )

    async def ended(self, ids: Sequence[str]) -> _Ends:
        """Wait until all of these have ended."""
        return await eventually(
            lambda: self._ends(ids), lambda ends: not ends.undecided, _END_SECONDS
        )

    async def _ends(self, ids: Sequence[str]) -> _Ends:
        (row,) = await self._read("show_ends", ids)
        lost = len(ids) - row["undecided"] - row["decided"]
        return _Ends(row["undecided"], lost, row["last"] or 0.0)

    async def _turns(self, ids: Sequence[str]) -> list[tuple[str, str, str]]:
        return [
            (row["id"], row["deliberation"], row["kind"])
            for row in await self._read("list_turns_of", ids)
        ]

    async def _read(self, name: str, ids: Sequence[str]) -> list[Any]:
        return (
            await self.graph.driver.execute_query(
                statement(name), ids=list(ids), database_=self.graph.database
            )
        ).records

    def _steps(self, spawned: float) -> dict[str, float]:
        """When the new process first logged each event."""
        steps: dict[str, float] = {}
        for event in _EVENTS:
            for line in self.service.logged(event):
                at = datetime.fromisoformat(line["timestamp"]).timestamp()
                if at > spawned:
                    steps[event] = at - spawned
                    break
        return steps


async def measure(bench: Bench) -> Report:
    """Kill it at moments spread over all that it does, then right after the last accept, again and again."""
    before = load()
    sizes = _QUICK if bench.quick else _FULL
    async with AsyncExitStack() as stack:
        graph = await stack.enter_async_context(bench.empty_graph())
        model = await stack.enter_async_context(
            ModelServer(behaviour=Behaviour(latency=_LATENCY, length=1000))
        )
        environment = {
            **bench.server.environment,
            "VLLM_URL": model.url,
            "VLLM_MODEL": "tiny",
            # As it is for users from the second start on, whatever is set here.
            "PYTHONDONTWRITEBYTECODE": "",
            "PYTHONPYCACHEPREFIX": str(bench.home("bytecode")),
        }
        service = await stack.enter_async_context(
            QuietService(home=bench.home("restart"), environment=environment)
        )
        await service.ready()
        host = _Host(service, model, graph)
        bench.tell("  warming up …")
        whole = statistics.median([await host.undisturbed() for _ in range(4)])
        await host.killed(whole / 2)
        bench.tell(f"  {sizes.kills} kills …")
        kills = [
            await host.killed(whole * _LAST_MOMENT * (number + 0.5) / sizes.kills)
            for number in range(sizes.kills)
        ]
        bench.tell(f"  {sizes.at_once} right after the last accept …")
        at_once = [await host.killed(0.0) for _ in range(sizes.at_once)]
        bench.tell(f"  {sizes.beside} beside a process elsewhere …")
        # With a home of its own: no lock file proves to it that another has died.
        elsewhere = await stack.enter_async_context(
            QuietService(home=bench.home("elsewhere"), environment=environment)
        )
        await elsewhere.ready()
        takeovers = [await host.taken_over(_MIDDLE) for _ in range(sizes.beside)]
    return Report(
        name="restart",
        figures=(
            *_figures("", kills, "under 1.5"),
            *_steps(kills),
            *_counts("", kills),
            *_figures("right after the last accept: ", at_once, ""),
            *_counts("right after the last accept: ", at_once),
            *_elsewhere(takeovers),
        ),
        remarks=(
            f"{_DELIBERATIONS} deliberations at {1000 * _LATENCY:g} ms a call, which took {whole:.2f} s from the last accept where nobody killed it; the kills are spread evenly over {_LAST_MOMENT:.0%} of that.",
            "Times are from the start of the new process, which follows the kill at once; all is done when the last verdict is in the graph.",
            "The model's time that was left: that of the steps that the slowest deliberation had not recorded whole. No process could have done with less.",
            f"Taken over elsewhere: beside it runs a process with a home of its own, and the one that was killed is not started again before all is done. The lease is the default, {_LEASE:g} s.",
            "By others, on another machine of this kind: LangGraph and DBOS 2.7 to 4 s to all done, 26 to 48 calls repeated, up to 9 of them answered already; right after the last accept LangGraph lost 16 of 16.",
        ),
        load_before=before,
        load_after=load(),
    )


def _figures(when: str, kills: Sequence[_Kill], target: str) -> list[Figure]:
    done = [(kill.all_done, kill.left) for kill in kills if kill.all_done is not None]
    return [
        *_seconds(f"{when}to the first resumed call", [kill.first_call for kill in kills]),
        *_seconds(f"{when}to all done", [all_done for all_done, _ in done], target),
        *_seconds(f"{when}the model's time that was left", [left for _, left in done]),
        *_seconds(f"{when}to all done, without that", [all_done - left for all_done, left in done]),
    ]


def _steps(kills: Sequence[_Kill]) -> list[Figure]:
    """What the time to the first resumed call is made of."""
    names = {
        "graph_reached": "imports and settings, reaching Neo4j",
        "deliberation_claimed": "migrations, defaults, seed and councils looked at; entering and claiming",
        "call": "from the first claim to the first call",
    }
    resumed = [kill.steps for kill in kills if kill.first_call is not None]
    figures: list[Figure] = []
    before = None
    for step, name in names.items():
        took = [steps[step] - (0.0 if before is None else steps[before]) for steps in resumed]
        figures += _seconds(f"of the first: {name}", took)
        before = step
    return figures


def _counts(when: str, kills: Sequence[_Kill]) -> list[Figure]:
    def counted(what: str, count: Callable[[_Kill], int], target: str = "") -> Figure:
        values = tuple(float(count(kill)) for kill in kills)
        return Figure(what=f"{when}{what}", unit="a kill", values=values, target=target)

    return [
        counted("calls made again", lambda kill: kill.repeated),
        counted(
            "of these, answered and not yet recorded", lambda kill: kill.answered - kill.recorded
        ),
        counted("of these, recorded", lambda kill: kill.recorded, "0"),
        counted("deliberations lost", lambda kill: kill.lost, "0"),
    ]


def _elsewhere(takeovers: Sequence[_Takeover]) -> list[Figure]:
    lost = tuple(float(takeover.lost) for takeover in takeovers)
    return [
        *_seconds(
            "taken over elsewhere: from the kill to the first resumed call",
            [takeover.since_kill for takeover in takeovers],
            f"under {_LEASE + 1:g}: lease + 1",
        ),
        *_seconds(
            "taken over elsewhere: of that, after the lease",
            [takeover.since_lapse for takeover in takeovers],
        ),
        Figure(
            what="taken over elsewhere: deliberations lost", unit="a kill", values=lost, target="0"
        ),
    ]


def _seconds(what: str, values: Sequence[float | None], target: str = "") -> list[Figure]:
    """Show what there is of it."""
    there = tuple(value for value in values if value is not None)
    return [Figure(what=what, unit="s", values=there, target=target)] if there else []


def _steps_left(turns: Sequence[tuple[str, str, str]], deliberation: str) -> int:
    kinds = Counter(kind for _, of, kind in turns if of == deliberation)
    return sum(kinds[kind] < _STEP for kind in _KINDS)
