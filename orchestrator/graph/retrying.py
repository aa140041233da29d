"""New deliberations on the tasks of old ones."""

from __future__ import annotations

from neo4j import Record

from orchestrator.domain.deliberations import Status
from orchestrator.domain.errors import Conflict, Mistake, NotFound, RefusedError, UnavailableError
from orchestrator.engine.ports import Accepted, Retry
from orchestrator.graph.changes import check_same
from orchestrator.graph.driver import Graph
from orchestrator.graph.errors import ConstraintViolatedError

_ATTEMPTS = 10
"""How often it is tried again where the council was being changed each time."""

_RETRIED = {Status.FAILED, Status.CANCELLED}


async def retry(graph: Graph, order: Retry) -> Accepted:
    """Write the new deliberation in one transaction, or find what the same key made before.

    Raises:
        RefusedError: there is none to retry, it has not ended without a verdict, or its council is not there any more.
    """
    idempotency = order.idempotency
    for _ in range(_ATTEMPTS):
        try:
            (row,) = await graph.write(
                "deliberation/retry",
                id=order.deliberation,
                of=order.of,
                idempotencyKey=None if idempotency is None else idempotency.key,
                inputDigest=None if idempotency is None else idempotency.input_digest,
                createdBy=order.created_by,
                rehearsal=order.rehearsal,
            )
        except ConstraintViolatedError as exc:
            if exc.label != "Deliberation":
                raise
            # Another with the same key, or this very one's first attempt, was committed meanwhile.
            continue
        if row["id"] is not None:
            if idempotency is not None:
                check_same(idempotency, row["id"], row["inputDigest"])
            return Accepted(deliberation=row["id"], new=row["id"] == order.deliberation)
        mistake = _mistake(order, row)
        if mistake is not None:
            raise RefusedError(mistake)
    raise UnavailableError("The council is being changed all the time")


def _mistake(order: Retry, row: Record) -> Mistake | None:
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
    if not row["serves"]:
        return Conflict(
            message="its council is archived and serves no role",
            path=("id",),
            existing=row["council"],
        )
    if row["seats"] == 0:
        return Conflict(message="nobody sits on its council", path=("id",), existing=row["council"])
    return None
