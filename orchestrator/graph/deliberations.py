"""Deliberations, as the engine writes them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from contextlib import aclosing
from datetime import timedelta
from typing import Any

from typing_extensions import override

from orchestrator.domain.deliberations import Status, StopReason, Verdict
from orchestrator.domain.errors import (
    Conflict,
    NotFound,
    RefusedError,
)
from orchestrator.engine.ports import (
    Accepted,
    Case,
    Conclusion,
    Deliberations,
    Held,
    Order,
    Recorded,
    Recording,
    Retry,
)
from orchestrator.graph import claims, reading, recording
from orchestrator.graph.accepting import Orders, retry
from orchestrator.graph.again import read_readable
from orchestrator.graph.driver import Graph
from orchestrator.graph.gathering import Gathering
from orchestrator.graph.migrations import refuse_unmigrated


class GraphDeliberations(Deliberations):
    """The engine's deliberations, in Neo4j."""

    def __init__(self, graph: Graph, *, callers: Graph | None = None) -> None:
        """`callers` is the same graph with as much room as callers have for what they ask for; none: as much as they want."""
        self._graph = graph
        self._callers = callers or graph
        self._orders = Orders(self._callers)
        self._claims = claims.Claims(graph)
        self._loading: Gathering[None, Case | None] = Gathering(self._load, absent=None)
        self._reserving: Gathering[tuple[str, int, int], bool] = Gathering(
            self._reserve, absent=False
        )

    @override
    async def accept(self, order: Order) -> Accepted:
        return await self._orders.accept(order)

    @override
    async def retry(self, order: Retry) -> Accepted:
        return await retry(self._callers, order)

    @override
    async def enter(self, process: str, host: str, lease: timedelta) -> None:
        # An empty graph may have been put in place beneath the process: in it no name and no key is unique.
        await refuse_unmigrated(self._graph)
        await claims.enter(self._graph, process, host, lease)

    @override
    async def renew(
        self, process: str, lease: timedelta, known: Mapping[str, int]
    ) -> tuple[Held, ...] | None:
        return await claims.renew(self._graph, process, lease, known)

    @override
    async def claim(
        self, process: str, room: int, gone: Collection[str], known: Collection[str], due: int = 0
    ) -> tuple[Held, ...]:
        return await self._claims.claim(process, room, gone, known, due)

    @override
    async def load(self, deliberation: str) -> Case:
        case = await self._loading(deliberation, None)
        if case is None:
            raise RefusedError(
                NotFound(message="there is no such deliberation", path=("id",), sought=deliberation)
            )
        return case

    @override
    async def reserve(self, held: Held, tokens: int) -> bool:
        row = (held.deliberation, held.epoch, tokens)
        return await self._reserving(_key(*row), row)

    @override
    async def record(self, batch: Sequence[Recording]) -> Recorded:
        return await recording.record(self._graph, batch)

    @override
    async def decide(
        self, held: Held, sequence: int, verdict: Verdict, stop_reason: StopReason
    ) -> bool:
        conclusion = Conclusion(sequence=sequence, verdict=verdict, stop_reason=stop_reason)
        return await recording.decide(self._graph, held, conclusion)

    @override
    async def fail(
        self, held: Held, sequence: int | None, stop_reason: StopReason, failure: str
    ) -> bool:
        rows = await self._graph.write(
            "deliberation/fail",
            deliberation=held.deliberation,
            epoch=held.epoch,
            sequence=sequence,
            stopReason=stop_reason.value,
            failure=failure,
        )
        return bool(rows)

    @override
    async def cancel(self, deliberation: str, reason: str | None, *, by: str | None = None) -> int:
        rows = await self._callers.write(
            "deliberation/cancel", deliberation=deliberation, reason=reason, cancelledBy=by
        )
        if not rows:
            raise RefusedError(
                NotFound(message="no deliberation has this id", path=("id",), sought=deliberation)
            )
        status = Status(rows[0]["status"])
        if status is not Status.CANCELLED:
            raise RefusedError(
                Conflict(
                    message=f"it has ended already, and is {status}",
                    path=("id",),
                    existing=deliberation,
                )
            )
        return rows[0]["epoch"]

    @override
    async def release(self, process: str) -> None:
        await claims.release(self._graph, process)

    async def _load(self, sought: Mapping[str, None]) -> dict[str, Case]:
        async def read() -> dict[str, Case]:
            told: dict[str, Sequence[Any]] = {}
            turns: defaultdict[str, list[Sequence[Any]]] = defaultdict(list)
            records = self._graph.stream("deliberation/load", deliberations=list(sought))
            async with aclosing(records):
                async for row in records:
                    turns[row["id"]] += row["turns"]
                    if row["told"] is not None:
                        told[row["id"]] = row["told"]
            return {id_: _case(id_, told[id_], turns[id_]) for id_ in told}

        return await read_readable(read)

    async def _reserve(self, rows: Mapping[str, tuple[str, int, int]]) -> dict[str, bool]:
        written = await self._graph.write(
            "deliberation/reserve", reservations=[list(row) for row in rows.values()]
        )
        return {_key(row["deliberation"], row["epoch"], row["reserved"]): True for row in written}


def _case(id_: str, told: Sequence[Any], turns: Sequence[Sequence[Any]]) -> Case:
    deliberation, task, seats, under_way = told
    with reading.naming(id_):
        return Case(
            deliberation=reading.deliberation(deliberation, task, seats),
            turns=reading.turns(turns),
            under_way=timedelta(milliseconds=under_way or 0),
        )


def _key(deliberation: str, epoch: int, number: int) -> str:
    return f"{deliberation} {epoch} {number}"
