"""One look a second for all who follow, and nothing where nobody does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Mapping
from dataclasses import dataclass, field

import pytest
from typing_extensions import override

from orchestrator.domain.deliberations import Status
from orchestrator.domain.errors import UnavailableError
from orchestrator.engine.events import Moved
from orchestrator.engine.following import Board
from orchestrator.engine.lookout import Lookout
from orchestrator.engine.ports import Place
from tests.support.waiting import until
from tests.unit.engine.doubles import NoNews


@dataclass
class Graph(NoNews):
    """How far deliberations have come, and for which of them that was asked."""

    come: dict[str, int] = field(default_factory=dict)
    statuses: dict[str, Status] = field(default_factory=dict)
    looks: list[frozenset[str]] = field(default_factory=list)
    away: bool = False

    @override
    async def places(self, deliberations: Collection[str]) -> Mapping[str, Place]:
        self.looks.append(frozenset(deliberations))
        if self.away:
            raise UnavailableError("Neo4j cannot be reached")
        return {
            id_: Place(self.come[id_], self.statuses.get(id_, Status.RUNNING))
            for id_ in deliberations
            if id_ in self.come
        }

    async def looked(self, times: int = 2) -> None:
        """Wait for so many more looks."""
        wanted = len(self.looks) + times
        await until(lambda: len(self.looks) >= wanted)


@pytest.fixture
def graph() -> Graph:
    return Graph(come={"dlb_1": 1, "dlb_2": 1})


@pytest.fixture
async def board(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Board]:
    monkeypatch.setattr("orchestrator.engine.lookout._EVERY_SECONDS", 0.01)
    board = Board()
    looking = asyncio.create_task(Lookout(board, graph).run())
    yield board
    assert not looking.done()
    looking.cancel()
    await asyncio.wait([looking])


def moved(deliberation: str, sequence: int | None, *, changed: bool = False) -> Moved:
    return Moved(deliberation=deliberation, sequence=sequence, changed=changed)


async def test_nothing_is_read_while_nobody_follows(graph: Graph, board: Board) -> None:
    await asyncio.sleep(0.05)
    assert graph.looks == []
    follower = board.follow("dlb_1")
    await graph.looked()
    del follower
    await until(lambda: not board.all_followed())
    await asyncio.sleep(0.05)
    before = len(graph.looks)
    await asyncio.sleep(0.05)
    assert len(graph.looks) == before


async def test_all_that_is_followed_is_looked_at_in_one_go(graph: Graph, board: Board) -> None:
    followers = [board.follow(name) for name in ("dlb_1", "dlb_2", "dlb_1")]
    await graph.looked()
    assert set(graph.looks) == {frozenset({"dlb_1", "dlb_2"})}
    assert len(followers) == 3


async def test_only_those_are_woken_whose_deliberation_moved(graph: Graph, board: Board) -> None:
    one, another, other = (board.follow(name) for name in ("dlb_1", "dlb_1", "dlb_2"))
    for follower in (one, another, other):
        await anext(follower)
    graph.come["dlb_1"] = 5
    assert await anext(one) == await anext(another) == moved("dlb_1", 5)
    await graph.looked()
    graph.come["dlb_2"] = 2
    assert await anext(other) == moved("dlb_2", 2)


async def test_what_was_removed_is_told_once(graph: Graph, board: Board) -> None:
    follower = board.follow("dlb_1")
    # Where it stood before nobody knows.
    assert await anext(follower) == moved("dlb_1", 1, changed=True)
    del graph.come["dlb_1"]
    assert await anext(follower) == moved("dlb_1", None, changed=True)
    await graph.looked()
    graph.come["dlb_1"] = 7
    assert await anext(follower) == moved("dlb_1", 7, changed=True)


async def test_another_status_is_told_as_that(graph: Graph, board: Board) -> None:
    follower = board.follow("dlb_1")
    await anext(follower)
    graph.come["dlb_1"] = 2
    assert await anext(follower) == moved("dlb_1", 2)
    graph.come["dlb_1"], graph.statuses["dlb_1"] = 3, Status.DECIDED
    assert await anext(follower) == moved("dlb_1", 3, changed=True)


async def test_a_graph_that_was_away_is_looked_at_again(graph: Graph, board: Board) -> None:
    follower = board.follow("dlb_1")
    await anext(follower)
    graph.away = True
    await graph.looked()
    graph.come["dlb_1"], graph.away = 2, False
    assert await anext(follower) == moved("dlb_1", 2)
