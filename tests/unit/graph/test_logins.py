"""A process whose password is not that any more sends few wrong logins, since each counts against all who come as its user."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from neo4j.exceptions import AuthError, ClientError, ServiceUnavailable
from typing_extensions import override

from orchestrator.domain.errors import AuthenticationError
from orchestrator.graph.errors import NOT_LOOKED_AT
from orchestrator.graph.logins import PAUSE, Logins
from tests.support.loop_clock import LoopClock


class RefusedError(AuthError):
    """What Neo4j says of a wrong password."""

    @property
    @override
    def message(self) -> str:
        return "unauthorized"


class NotLookedAtError(ClientError):
    """What Neo4j says of a login after wrong ones of the same user."""

    @property
    @override
    def code(self) -> str:
        return NOT_LOOKED_AT


class Server:
    """A server that is sent logins."""

    def __init__(self) -> None:
        self.refuses_with: Exception | None = None
        self.logins = 0
        self.answers = asyncio.Event()
        self.answers.set()

    async def open(self, *_: Any) -> str:
        self.logins += 1
        await self.answers.wait()
        if self.refuses_with is not None:
            raise self.refuses_with
        return "a connection"


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> LoopClock:
    clock = LoopClock()
    monkeypatch.setattr(asyncio.get_running_loop(), "time", clock.time)
    return clock


@pytest.fixture
async def server() -> Server:
    return Server()


@pytest.fixture
async def logins(server: Server, clock: LoopClock) -> Logins:
    """Of a process whose login has just been refused for the first time."""
    logins = Logins(server.open)
    assert await logins() == "a connection"
    await clock.advance(3600)
    server.refuses_with = RefusedError()
    with pytest.raises(AuthError):
        await logins()
    server.logins = 0
    return logins


async def test_after_one_that_was_refused_none_is_sent_for_a_while_and_the_refusal_is_told(
    server: Server, logins: Logins, clock: LoopClock
) -> None:
    await clock.advance(PAUSE - 1)
    for _ in range(3):
        with pytest.raises(AuthenticationError, match=r"NEO4J_PASSWORD: unauthorized"):
            await logins()
    assert server.logins == 0


async def test_then_one_is_sent_and_where_it_is_refused_none_for_a_while_again(
    server: Server, logins: Logins, clock: LoopClock
) -> None:
    await clock.advance(PAUSE)
    with pytest.raises(AuthError):
        await logins()
    await clock.advance(PAUSE - 1)
    with pytest.raises(AuthenticationError):
        await logins()
    assert server.logins == 1


async def test_while_that_one_is_looked_at_no_other_is_sent(
    server: Server, logins: Logins, clock: LoopClock
) -> None:
    await clock.advance(PAUSE)
    server.answers.clear()
    first = asyncio.create_task(logins())
    await clock.advance(0)
    with pytest.raises(AuthenticationError):
        await logins()
    server.answers.set()
    with pytest.raises(AuthError):
        await first
    assert server.logins == 1


async def test_once_one_is_taken_all_are_sent(
    server: Server, logins: Logins, clock: LoopClock
) -> None:
    server.refuses_with = None
    await clock.advance(PAUSE)
    for _ in range(3):
        assert await logins() == "a connection"
    assert server.logins == 3


async def test_one_that_is_not_looked_at_after_our_own_wrong_one_is_told_as_refused(
    server: Server, logins: Logins, clock: LoopClock
) -> None:
    server.refuses_with = NotLookedAtError()
    await clock.advance(PAUSE)
    for _ in range(2):
        with pytest.raises(AuthenticationError, match=r"NEO4J_PASSWORD: unauthorized"):
            await logins()
    assert server.logins == 1


async def test_one_that_is_not_looked_at_after_wrong_ones_of_others_is_sent_again_at_once(
    server: Server,
) -> None:
    logins = Logins(server.open)
    server.refuses_with = NotLookedAtError()
    for _ in range(2):
        with pytest.raises(NotLookedAtError):
            await logins()
    assert server.logins == 2


async def test_a_server_that_is_away_by_now_is_told_as_that(
    server: Server, logins: Logins, clock: LoopClock
) -> None:
    server.refuses_with = ServiceUnavailable()
    await clock.advance(PAUSE)
    for _ in range(2):
        with pytest.raises(ServiceUnavailable):
            await logins()
