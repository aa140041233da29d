"""Deliberations, as the engine writes them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

from neo4j import Record
from typing_extensions import override

from orchestrator.domain.deliberations import Priority, Status, StopReason, Verdict
from orchestrator.domain.errors import (
    Conflict,
    Mistake,
    NotFound,
    RefusedError,
    UnavailableError,
    UnreadableError,
)
from orchestrator.domain.ids import verdict_id
from orchestrator.engine.ports import (
    Accepted,
    Case,
    CouncilById,
    CouncilByRole,
    Deliberations,
    Held,
    Order,
    Recorded,
    Recording,
    Retry,
)
from orchestrator.graph import claims, reading, recording, retrying
from orchestrator.graph.changes import check_same
from orchestrator.graph.driver import Graph
from orchestrator.graph.errors import ConstraintViolatedError
from orchestrator.graph.gathering import Gathering

_ACCEPT_ATTEMPTS = 10
"""How often an acceptance is tried again where a council was being changed each time."""

_PLACE = {Priority.HIGH: 1, Priority.NORMAL: 3, Priority.LOW: 5}
"""`waiting` of a new deliberation; one that was under way has the even number before."""

_Found = tuple[str, str | None]
"""The id and input digest of what was accepted, now or under the same key before."""


class GraphDeliberations(Deliberations):
    """The engine's deliberations, in Neo4j."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._accepting: Gathering[Order, _Found | None] = Gathering(self._accept, absent=None)
        self._loading: Gathering[None, Case | None] = Gathering(self._load, absent=None)
        self._reserving: Gathering[tuple[str, int, int], bool] = Gathering(
            self._reserve, absent=False
        )
        self._deciding: Gathering[dict[str, Any], bool] = Gathering(self._decide, absent=False)

    @override
    async def accept(self, order: Order) -> Accepted:
        for _ in range(_ACCEPT_ATTEMPTS):
            try:
                found = await self._accepting(order.deliberation, order)
            except ConstraintViolatedError as exc:
                if exc.label != "Deliberation":
                    raise
                # Another with the same key, or this very one's first attempt, was committed meanwhile.
                found = None
            if found is not None:
                return _accepted(order, *found)
            mistake = await self._mistake(order)
            if mistake is not None:
                raise RefusedError(mistake)
        raise UnavailableError("The council is being changed all the time")

    @override
    async def retry(self, order: Retry) -> Accepted:
        return await retrying.retry(self._graph, order)

    @override
    async def enter(self, process: str, host: str, lease: timedelta) -> None:
        await claims.enter(self._graph, process, host, lease)

    @override
    async def renew(self, process: str, lease: timedelta) -> tuple[Held, ...] | None:
        return await claims.renew(self._graph, process, lease)

    @override
    async def claim(
        self,
        process: str,
        room: int,
        gone: Collection[str],
        known: Collection[str] | None = None,
    ) -> tuple[Held, ...]:
        return await claims.claim(self._graph, process, room, gone, known)

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
        row = {
            "deliberation": held.deliberation,
            "epoch": held.epoch,
            "sequence": sequence,
            "verdict": verdict_id(held.deliberation),
            "ranking": [[r.proposal, r.rank, r.score, r.votes] for r in verdict.ranking],
            "margin": verdict.margin,
            "agreement": verdict.agreement,
            "partial": verdict.partial,
            "decision": verdict.decision.value,
            "stopReason": stop_reason.value,
        }
        # By the claim, too: a process must not take another claim's answer for its own.
        return await self._deciding(_key(held.deliberation, held.epoch, sequence), row)

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
        rows = await self._graph.write(
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

    async def _accept(self, orders: Mapping[str, Order]) -> dict[str, _Found]:
        rows = await self._graph.write(
            "deliberation/accept", orders=[_row(order) for order in orders.values()]
        )
        return {
            row["asked"]: (row["id"], row["inputDigest"]) for row in rows if row["id"] is not None
        }

    async def _load(self, sought: Mapping[str, None]) -> dict[str, Case]:
        rows = await self._graph.read("deliberation/load", deliberations=list(sought))
        cases = [_case(row) for row in rows]
        return {case.deliberation.id: case for case in cases}

    async def _reserve(self, rows: Mapping[str, tuple[str, int, int]]) -> dict[str, bool]:
        written = await self._graph.write(
            "deliberation/reserve", reservations=[list(row) for row in rows.values()]
        )
        return {_key(row["deliberation"], row["epoch"], row["reserved"]): True for row in written}

    async def _decide(self, verdicts: Mapping[str, dict[str, Any]]) -> dict[str, bool]:
        rows = await self._graph.write("deliberation/decide", verdicts=list(verdicts.values()))
        decided = {(row["deliberation"], row["epoch"], row["sequence"]) for row in rows}
        return {
            key: (row["deliberation"], row["epoch"], row["sequence"]) in decided
            for key, row in verdicts.items()
        }

    async def _mistake(self, order: Order) -> Mistake | None:
        """Say why nothing was accepted; none where it was accepted or changed meanwhile, so that asking again helps."""
        council, role = _sought(order)
        (row,) = await self._graph.read("deliberation/explain_refusal", council=council, role=role)
        match order.council:
            case CouncilById(id=sought) if row["council"] is None:
                return NotFound(
                    message="there is no such council", path=("council", "id"), sought=sought
                )
            case CouncilByRole(role=sought) if row["role"] is None:
                return NotFound(
                    message="there is no such role", path=("council", "role"), sought=sought
                )
            case CouncilByRole(role=sought) if row["council"] is None:
                return NotFound(
                    message=f"no council serves {sought} now",
                    path=("council", "role"),
                    sought=sought,
                )
            case CouncilById() if not row["serves"]:
                return Conflict(
                    message="the council is archived and serves no role",
                    path=("council", "id"),
                    existing=row["council"],
                )
            case _ if row["seats"] == 0:
                return Conflict(
                    message="nobody sits on the council",
                    path=("council", "role" if council is None else "id"),
                    existing=row["council"],
                )
            case _:
                return None


def _case(row: Record) -> Case:
    try:
        return Case(
            deliberation=reading.deliberation(row["deliberation"], row["task"], row["seats"]),
            turns=reading.turns(row["turns"]),
        )
    except (ValueError, TypeError, KeyError) as exc:
        raise UnreadableError(row["deliberation"][0]) from exc


def _key(deliberation: str, epoch: int, number: int) -> str:
    return f"{deliberation} {epoch} {number}"


def _row(order: Order) -> dict[str, Any]:
    task, idempotency = order.task, order.idempotency
    council, role = _sought(order)
    return {
        "id": order.deliberation,
        "task": task.id,
        "council": council,
        "role": role,
        "idempotencyKey": None if idempotency is None else idempotency.key,
        "inputDigest": None if idempotency is None else idempotency.input_digest,
        "createdBy": order.created_by,
        "protocol": None if order.protocol is None else order.protocol.value,
        "rounds": order.rounds,
        "decision": None if order.decision is None else order.decision.value,
        "priority": order.priority.value,
        "waiting": _PLACE[order.priority],
        "deadline": (
            None if order.deadline is None else order.deadline // timedelta(milliseconds=1)
        ),
        "tokenBudget": order.token_budget,
        "rehearsal": order.rehearsal,
        "description": task.description,
        "context": task.context,
        "rubric": task.rubric,
        "requirements": list(task.requirements),
        "externalId": task.external_id,
        "metadata": task.metadata,
    }


def _sought(order: Order) -> tuple[str | None, str | None]:
    match order.council:
        case CouncilById(id=council):
            return council, None
        case CouncilByRole(role=role):
            return None, role


def _accepted(order: Order, deliberation: str, digest: str | None) -> Accepted:
    if order.idempotency is not None:
        check_same(order.idempotency, deliberation, digest)
    return Accepted(deliberation=deliberation, new=deliberation == order.deliberation)
