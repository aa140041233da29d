"""Who waits in vain for the lock of the migrations is told whom he waits for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
from neo4j import Record

from orchestrator.domain.errors import GivenUpError
from orchestrator.graph.driver import Transaction
from orchestrator.graph.errors import LockTimeoutError
from orchestrator.graph.migrations import LOCKED_SECONDS, locked

T = TypeVar("T")


class Locked:
    """A graph in which somebody else has the lock that a statement takes."""

    def __init__(self, *, by: str) -> None:
        self._by = by

    async def write(self, name: str, /) -> list[Record]:
        return await self.run(name)

    async def transact(self, work: Callable[[Any], Awaitable[T]], *, seconds: float) -> T:
        assert seconds == LOCKED_SECONDS
        return await work(self)

    async def run(self, name: str, /) -> list[Record]:
        if name == self._by:
            raise LockTimeoutError("Neo4j cannot do it now: unable to acquire lock")
        return []


def _locked(*, by: str) -> Any:
    return Locked(by=by)


async def _settle(transaction: Transaction) -> None:
    await transaction.run("seeding/settle_model")


async def test_the_lock_that_all_wait_on_is_another_processs_that_migrates_or_seeds() -> None:
    with pytest.raises(GivenUpError, match=r"^another process is migrating or seeding this graph$"):
        await locked(_locked(by="migrations/take_lock"), _settle)


async def test_another_lock_is_not_said_to_be_that_one() -> None:
    with pytest.raises(LockTimeoutError, match="cannot do it now"):
        await locked(_locked(by="seeding/settle_model"), _settle)
