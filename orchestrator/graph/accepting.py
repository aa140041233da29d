"""New deliberations: on tasks that come with them, or on those of old ones."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

from neo4j import Record

from orchestrator.domain import limits
from orchestrator.domain.deliberations import Status
from orchestrator.domain.errors import Conflict, Mistake, NotFound, RefusedError, UnavailableError
from orchestrator.engine.ports import Accepted, CouncilById, CouncilByRole, Order, Retry
from orchestrator.graph.changes import check_same, stored
from orchestrator.graph.driver import Graph
from orchestrator.graph.errors import ConstraintViolatedError
from orchestrator.graph.gathering import Gathering
from orchestrator.graph.queueing import place_in_queue

_ATTEMPTS = 10
"""How often it is tried again where the council was being changed each time."""

_RETRIED = {Status.FAILED, Status.CANCELLED}

_Found = tuple[str, str | None, bool]
"""Of what was accepted, now or under the same key before: id, input digest, and whether it is a rehearsal."""


class Orders:
    """Takes orders; those that come together go into the graph together."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._accepting: Gathering[Order, _Found | None] = Gathering(self._accept, absent=None)

    async def accept(self, order: Order) -> Accepted:
        """Write task, deliberation and seats, or find what the same key made before.

        Raises:
            RefusedError: there is no such council, or it serves no role or has no seat.
        """

        async def attempt() -> Accepted | Mistake | None:
            found = await self._accepting(order.deliberation, order)
            return await self._mistake(order) if found is None else _accepted(order, found)

        return await _settled(attempt)

    async def _accept(self, orders: Mapping[str, Order]) -> dict[str, _Found]:
        rows = await self._graph.write(
            "deliberation/accept", orders=[_row(order) for order in orders.values()]
        )
        return {
            row["asked"]: (row["id"], row["inputDigest"], row["rehearsal"])
            for row in rows
            if row["id"] is not None
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
                meant = f", but {row['meant']}" if row["meant"] else ""
                return NotFound(
                    message=f"there is no role {sought}{meant}",
                    path=("council", "role"),
                    sought=sought,
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


async def retry(graph: Graph, order: Retry) -> Accepted:
    """Write a new deliberation on the task of an old one in one transaction, or find what the same key made before.

    Raises:
        RefusedError: there is none to retry, it has not ended without a verdict, it was retried as often as one may be, or its
            council is not there any more.
    """

    async def attempt() -> Accepted | Mistake | None:
        (row,) = await graph.write(
            "deliberation/retry",
            id=order.deliberation,
            of=order.of,
            most=limits.RETRIES,
            createdBy=order.created_by,
            rehearsal=order.rehearsal,
            **stored(order.idempotency),
        )
        if row["id"] is None:
            return _no_retry(order, row)
        return _accepted(order, (row["id"], row["inputDigest"], row["rehearsal"]))

    return await _settled(attempt)


async def _settled(attempt: Callable[[], Awaitable[Accepted | Mistake | None]]) -> Accepted:
    """Try until something is accepted, or it is known why not."""
    for _ in range(_ATTEMPTS):
        try:
            answer = await attempt()
        except ConstraintViolatedError as exc:
            if exc.label != "Deliberation":
                raise
            # Another with the same key, or this very one's first attempt, was committed meanwhile.
            continue
        if isinstance(answer, Accepted):
            return answer
        if answer is not None:
            raise RefusedError(answer)
    raise UnavailableError("The council is being changed all the time")


def _no_retry(order: Retry, row: Record) -> Mistake | None:
    """Say why nothing was written; none where asking again helps."""
    if row["status"] is None:
        return NotFound(message="no deliberation has this id", path=("id",), sought=order.of)
    status = Status(row["status"])
    if status not in _RETRIED:
        return Conflict(
            message=f"only one that failed or was cancelled can be retried, and this one is {status}",
            path=("id",),
            existing=order.of,
        )
    if row["retries"] >= limits.RETRIES:
        return Conflict(
            message=f"it has {row['retries']} retries, and may have {limits.RETRIES} at most: retry one of those",
            path=("id",),
            existing=order.of,
        )
    if not row["serves"]:
        return Conflict(
            message="its council is archived and serves no role",
            path=("id",),
            existing=row["council"],
        )
    if row["seats"] == 0:
        return Conflict(message="nobody sits on its council", path=("id",), existing=row["council"])
    return None


def _row(order: Order) -> dict[str, Any]:
    task = order.task
    council, role = _sought(order)
    return {
        "id": order.deliberation,
        "task": task.id,
        "council": council,
        "role": role,
        **stored(order.idempotency),
        "createdBy": order.created_by,
        "protocol": None if order.protocol is None else order.protocol.value,
        "rounds": order.rounds,
        "decision": None if order.decision is None else order.decision.value,
        "priority": order.priority.value,
        "waiting": place_in_queue(order.priority, under_way=False),
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


def _accepted(order: Order | Retry, found: _Found) -> Accepted:
    deliberation, digest, rehearsal = found
    if order.idempotency is not None:
        check_same(order.idempotency, deliberation, digest)
    return Accepted(
        deliberation=deliberation,
        new=deliberation == order.deliberation,
        rehearsal=rehearsal,
    )
