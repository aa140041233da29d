"""What tests of deliberations are made of: orders, turns as PEER_REVIEW has them, and a rival that holds a lock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import uuid_utils
from neo4j import AsyncDriver, AsyncTransaction, Record
from typing_extensions import override

from orchestrator.domain.deliberations import (
    RankedProposal,
    Task,
    Turn,
    TurnKey,
    TurnKind,
    TurnOutcome,
    Usage,
    Verdict,
)
from orchestrator.domain.ids import Prefix, turn_id, with_prefix
from orchestrator.engine.ports import (
    CouncilById,
    CouncilByRole,
    Deliberations,
    Held,
    Order,
    Recording,
)
from orchestrator.graph import statements
from orchestrator.graph.deliberations import GraphDeliberations
from orchestrator.graph.driver import Bounds, Graph
from tests.support.neo4j import statement
from tests.support.waiting import eventually

T = TypeVar("T")

LEASE = timedelta(minutes=10)
BEGAN = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def fresh(prefix: Prefix) -> str:
    """An id never used."""
    return with_prefix(prefix, uuid_utils.uuid7().hex)


def an_order(
    role: str = "DEV",
    *,
    council: str | None = None,
    external_id: str | None = None,
    **kwargs: Any,
) -> Order:
    """An order for a council, by its role unless by its id."""
    return Order(
        deliberation=fresh(Prefix.DELIBERATION),
        council=CouncilByRole(role=role) if council is None else CouncilById(id=council),
        task=Task(
            id=fresh(Prefix.TASK),
            description="Say what a cache must forget.",
            context="There are two caches.",
            rubric="Short is good.",
            requirements=("one", "two"),
            external_id=external_id,
            metadata='{"of": ["mine"]}',
        ),
        **kwargs,
    )


def a_turn(deliberation: str, key: TurnKey, content: str = "an answer", **kwargs: Any) -> Turn:
    """A turn that was taken."""
    return Turn(
        id=turn_id(deliberation, key),
        key=key,
        outcome=TurnOutcome.TAKEN,
        content=content,
        reasoning="a thought",
        finish_reason="stop",
        attempts=2,
        prompt_version="1",
        usage=Usage(prompt_tokens=100, cached_prompt_tokens=60, completion_tokens=20, calls=2),
        latency_ms=1234,
        started_at=BEGAN,
        finished_at=BEGAN + timedelta(milliseconds=1234),
        **kwargs,
    )


def proposals(deliberation: str, round_: int = 0) -> list[Turn]:
    """The proposals of three seats."""
    return [
        a_turn(
            deliberation,
            TurnKey(kind=TurnKind.PROPOSAL, round=round_, seat=seat),
            f"proposal {seat}",
        )
        for seat in (1, 2, 3)
    ]


def all_turns(deliberation: str) -> list[Turn]:
    """The twelve turns of three seats and one round, in an order in which they can be taken."""
    first = proposals(deliberation)
    critiques = [
        a_turn(
            deliberation,
            TurnKey(kind=TurnKind.CRITIQUE, round=1, seat=seat, target=seat % 3 + 1),
            target=first[seat % 3].id,
        )
        for seat in (1, 2, 3)
    ]
    revisions = [
        a_turn(
            deliberation,
            TurnKey(kind=TurnKind.REVISION, round=1, seat=seat),
            revises=first[seat - 1].id,
            answers=(critiques[(seat + 1) % 3].id,),
        )
        for seat in (1, 2, 3)
    ]
    ballots = [
        a_turn(
            deliberation,
            TurnKey(kind=TurnKind.BALLOT, round=1, seat=seat),
            choices=tuple(r.id for r in reversed(revisions) if r.key.seat != seat),
        )
        for seat in (1, 2, 3)
    ]
    return [*first, *critiques, *revisions, *ballots]


def a_verdict(turns: Sequence[Turn]) -> Verdict:
    """The verdict of `all_turns`: seats 1 and 2 put seat 3 first, who puts seat 2 first."""
    one, two, three = (turn.id for turn in turns if turn.key.kind is TurnKind.REVISION)
    ballots = tuple(turn.id for turn in turns if turn.key.kind is TurnKind.BALLOT)
    return Verdict(
        ranking=(
            RankedProposal(rank=1, score=1.0, votes=2, proposal=three),
            RankedProposal(rank=2, score=0.5, votes=1, proposal=two),
            RankedProposal(rank=3, score=0.0, votes=0, proposal=one),
        ),
        ballots=ballots,
        dissent=(),
        margin=0.5,
        agreement=None,
        partial=False,
    )


async def one_more(deliberations: Deliberations, process: str = "prc_one") -> Held:
    """Claim one more than the process holds."""
    holds = await deliberations.renew(process, LEASE, {}) or ()
    (held,) = await deliberations.claim(process, 1, (), [one.deliberation for one in holds])
    return held


def recordings(held: Held, turns: Sequence[Turn]) -> list[Recording]:
    """Turns under a claim, of somebody who knows of nothing but the claim."""
    return [
        Recording(deliberation=held.deliberation, epoch=held.epoch, turn=turn, after=held.epoch)
        for turn in turns
    ]


class _Uncommitted(Graph):
    """The graph as one open transaction writes it."""

    def __init__(self, driver: AsyncDriver, transaction: AsyncTransaction, database: str) -> None:
        super().__init__(driver, "the Neo4j of the tests", database, Bounds())
        self._transaction = transaction

    @override
    async def write(
        self, name: str, /, *, seconds: float | None = None, **parameters: Any
    ) -> list[Record]:
        result = await self._transaction.run(statements.statement(name), parameters)
        return [record async for record in result]


class Rival:
    """Another process's transaction on one deliberation, which holds its lock."""

    def __init__(self, driver: AsyncDriver, transaction: AsyncTransaction, database: str) -> None:
        self._driver = driver
        self._transaction = transaction
        self._database = database
        self.graph: Graph = _Uncommitted(driver, transaction, database)
        self.deliberations: Deliberations = GraphDeliberations(self.graph)
        """What the service itself would write, in it."""

    async def does(self, name: str, /, **parameters: Any) -> None:
        """Run a statement of the tests in it."""
        await (await self._transaction.run(statement(f"graph/{name}"), parameters)).consume()

    async def commit(self) -> None:
        """Let go of what it holds."""
        await self._transaction.commit()

    async def give_up(self) -> None:
        """End its transaction, which has failed or is to leave nothing."""
        await self._transaction.close()

    async def blocks(self, count: int) -> None:
        """Wait until so many transactions wait for a lock."""
        await eventually(self._blocked, lambda blocked: blocked >= count)

    async def commits_while(self, ours: Awaitable[T]) -> T:
        """Commit once what we do waits for the lock, and return what came of it."""
        task = asyncio.ensure_future(ours)
        try:
            await eventually(self._blocked, lambda count: count > 0)
            assert not task.done()
            await self._transaction.commit()
            return await task
        finally:
            task.cancel()

    async def _blocked(self) -> int:
        result = await self._driver.execute_query(
            statement("graph/count_blocked"), database_=self._database
        )
        return result.records[0]["count"]


@asynccontextmanager
async def a_rival(driver: AsyncDriver, database: str, deliberation: str) -> AsyncGenerator[Rival]:
    """Take a deliberation's lock in a transaction of another session."""
    async with driver.session(database=database) as session:
        transaction = await session.begin_transaction()
        async with transaction:
            rival = Rival(driver, transaction, database)
            await rival.does("lock_deliberation", deliberation=deliberation)
            yield rival
