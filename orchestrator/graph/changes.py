"""What all changes of councils have in common: one transaction, ids, and requests that come twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

from uuid_utils import uuid7

from orchestrator.domain.drafts import Idempotency
from orchestrator.domain.errors import Conflict, RefusedError, UnansweredError, UnavailableError
from orchestrator.domain.ids import Prefix, with_prefix
from orchestrator.graph.driver import Graph, Transaction
from orchestrator.graph.errors import ConstraintViolatedError

T = TypeVar("T")
V = TypeVar("V")

_ATTEMPTS = 5
"""Each lost race means that somebody else got what he wanted, so few can follow one another."""


def new_id(prefix: Prefix) -> str:
    """Make an id whose order is that of time."""
    return with_prefix(prefix, uuid7().hex)


async def _in_one(graph: Graph, work: Callable[[Transaction], Awaitable[T]]) -> T:
    """Do the work in one transaction; it checks, raises RefusedError or writes.

    Where a unique value was taken between its check and its write, by somebody who committed first,
    the work is done again and its check then says who stands in the way.
    """
    for _ in range(_ATTEMPTS - 1):
        try:
            return await graph.transact(work)
        except ConstraintViolatedError:
            continue
    return await graph.transact(work)


class Found(Generic[V]):
    """What a change finds under its lock, such as a version, before it writes anything.

    Where its commit was not answered, what is found then tells whether anything has been committed since.
    """

    def __init__(self) -> None:
        self.unanswered: bool = False
        """Whether a commit was asked for and not answered."""
        self.before: V | None = None
        """What was found then."""

    def is_done(self, now: V, *, as_asked: bool) -> bool:
        """Whether nothing is left to do: it was committed after all, or somebody else has done the same since.

        `as_asked` says whether everything is as it was to be.

        Raises:
            UnavailableError: something was committed since, and it cannot be told any more whether this was, too.
        """
        if not self.unanswered:
            self.before = now
            return False
        if now != self.before and not as_asked:
            raise UnavailableError("It has been changed since")
        return now != self.before


async def settled(
    graph: Graph,
    work: Callable[[Transaction], Awaitable[T]],
    found: Found[Any] | None = None,
) -> T:
    """Do the work in one transaction, and once more where the answer to its commit is lost.

    So it has to know what it did before: by an id that was drawn for it once, or by what it `found`, where
    others may undo it or do something else meanwhile.

    Raises:
        UnansweredError: the second time did not settle it either.
    """
    try:
        return await _in_one(graph, work)
    except UnansweredError as unanswered:
        if found is not None:
            found.unanswered = True
        try:
            return await _in_one(graph, work)
        except UnavailableError as exc:
            raise unanswered from exc


async def made_before(
    transaction: Transaction, area: str, new: str, idempotency: Idempotency | None
) -> str | None:
    """Return the id of what this very request made before, whether or not with the id `new`.

    `area` is the folder of the statement `find_made`.

    Raises:
        RefusedError: the same key came with another input, or what it made was removed since: a key
            makes one thing, ever.
    """
    key = None if idempotency is None else idempotency.key
    for row in await transaction.run(f"{area}/find_made", id=new, idempotencyKey=key):
        found: str = row["id"]
        if idempotency is not None and found != new:
            check_same(idempotency, found, row["inputDigest"])
        if row.get("removed"):
            raise RefusedError(
                Conflict(message="what this key made was removed", path=("idempotencyKey",))
            )
        return found
    return None


def check_same(idempotency: Idempotency, found: str, digest: str | None) -> None:
    """Hold a request against the one that made `found` under the same key, by the digest of its input.

    Raises:
        RefusedError: they differ.
    """
    if digest != idempotency.input_digest:
        raise RefusedError(
            Conflict(
                message="this key was sent with another input",
                path=("idempotencyKey",),
                existing=found,
            )
        )


def stored(idempotency: Idempotency | None) -> dict[str, Any]:
    """Return what a node keeps of the request that made it."""
    if idempotency is None:
        return {"idempotencyKey": None, "inputDigest": None}
    return {"idempotencyKey": idempotency.key, "inputDigest": idempotency.input_digest}
