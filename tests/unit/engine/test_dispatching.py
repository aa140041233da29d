"""What a running deliberation says is told on the board while it is said: a call at a time, in order, at a bounded rate."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from orchestrator.domain.deliberations import TurnKey, TurnKind
from orchestrator.domain.errors import ModelError
from orchestrator.domain.ids import turn_id
from orchestrator.domain.protocols.steps import Ask
from orchestrator.engine.dispatching import Dispatcher
from orchestrator.engine.events import LiveEvent, TokensSpoken, TurnBegan
from orchestrator.engine.following import Board
from orchestrator.engine.lease import Lease
from orchestrator.engine.patience import Patience
from orchestrator.engine.ports import Answer, Call
from orchestrator.engine.prompting import Prompts
from tests.support.loop_clock import LoopClock
from tests.unit.engine.doubles import DELIBERATION, a_deliberation

PROPOSE = Ask(key=TurnKey(kind=TurnKind.PROPOSAL, round=0, seat=1))
TURN = turn_id(DELIBERATION, PROPOSE.key)
AT_ONCE = Patience(attempts=3, first_wait=0.0, longest_wait=0.0, jitter=0.0)


class StreamingModels:
    """Models that say their answers in pieces; one that breaks off has said some."""

    def __init__(
        self,
        *attempts: Sequence[str | ModelError],
        between: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`between` is awaited after each piece."""
        self._attempts = list(attempts)
        self._between = between

    async def ask(
        self,
        call: Call,
        on_token: Callable[[str], None],
        on_begin: Callable[[], Awaitable[None]],
        may_send: Callable[[], bool],
    ) -> Answer:
        del call
        await on_begin()
        assert may_send()
        said = ""
        for piece in self._attempts.pop(0):
            if isinstance(piece, ModelError):
                raise piece
            on_token(piece)
            said += piece
            await (self._between() if self._between is not None else asyncio.sleep(0))
        return Answer(content=said, finish_reason="stop")

    def stranded(self, turn: str) -> bool:
        del turn
        return False

    def obstacles(self, turn: str) -> tuple[str, ...]:
        del turn
        return ()


@pytest.fixture(autouse=True)
async def clock(monkeypatch: pytest.MonkeyPatch) -> LoopClock:
    """Time goes by only where a test says so."""
    clock = LoopClock()
    monkeypatch.setattr(asyncio.get_running_loop(), "time", clock.time)
    return clock


@asynccontextmanager
async def followed(board: Board) -> AsyncGenerator[list[LiveEvent]]:
    """What is told on the board, as it comes."""
    told: list[LiveEvent] = []
    follower = board.follow(DELIBERATION)

    async def listen() -> None:
        while True:
            told.append(await anext(follower))

    listening = asyncio.create_task(listen())
    yield told
    for _ in range(3):
        await asyncio.sleep(0)
    listening.cancel()
    await asyncio.wait([listening])


async def taken(models: StreamingModels) -> tuple[str | None, list[LiveEvent]]:
    """Take a turn; return what it said, and what was told of it meanwhile."""
    board, lease = Board(), Lease(timedelta(seconds=60))
    await lease.renew(lease.now())
    dispatcher = Dispatcher(models, board, lease, AT_ONCE)
    async with followed(board) as told:
        turn = await dispatcher.take(Prompts(a_deliberation()), 1, PROPOSE, {})
    return turn.content, told


def pieces(told: Sequence[LiveEvent]) -> list[tuple[int, int, str]]:
    return [(one.attempt, one.offset, one.text) for one in told if isinstance(one, TokensSpoken)]


async def test_what_a_model_says_is_told_after_that_its_turn_began() -> None:
    content, told = await taken(StreamingModels(["Well", ", ", "it ", "depends"]))

    assert content == "Well, it depends"
    began, *spoken = told
    assert isinstance(began, TurnBegan)
    assert (began.deliberation, began.turn, began.attempt) == (DELIBERATION, TURN, 1)
    assert {(one.deliberation, one.turn) for one in spoken if isinstance(one, TokensSpoken)} == {
        (DELIBERATION, TURN)
    }
    assert pieces(spoken) == [(1, 0, "Well"), (1, 4, ", it depends")]


async def test_what_an_attempt_said_is_told_whole_before_the_next_begins() -> None:
    broken = ModelError("the answer broke off", retryable=True)
    content, told = await taken(StreamingModels(["I", " think", broken], ["No"]))

    assert content == "No"
    assert [
        (type(one).__name__, one.attempt)
        for one in told
        if isinstance(one, TurnBegan | TokensSpoken)
    ] == [
        ("TurnBegan", 1),
        ("TokensSpoken", 1),
        ("TokensSpoken", 1),
        ("TurnBegan", 2),
        ("TokensSpoken", 2),
    ]
    assert pieces(told) == [(1, 0, "I"), (1, 1, " think"), (2, 0, "No")]


async def test_model_that_says_a_thousand_tokens_a_second_is_told_of_twenty_times_in_it(
    clock: LoopClock,
) -> None:
    tokens = [f"{number} " for number in range(1000)]

    content, told = await taken(StreamingModels(tokens, between=lambda: clock.advance(0.001)))

    assert content == "".join(tokens)
    assert "".join(text for *_, text in pieces(told)) == content
    assert 19 <= len(pieces(told)) <= 22


@pytest.mark.parametrize(
    ("asked_for", "waited"), [(None, 8.0), (0.0, 8.0), (3.0, 8.0), (20.0, 20.0)]
)
async def test_what_a_server_asks_for_makes_the_pause_between_attempts_longer_and_never_shorter(
    clock: LoopClock, asked_for: float | None, waited: float
) -> None:
    busy = ModelError("busy", retryable=True, retry_after=asked_for)
    board, lease = Board(), Lease(timedelta(seconds=600))
    await lease.renew(lease.now())
    patience = Patience(attempts=2, first_wait=8.0, longest_wait=8.0, jitter=0.0)
    dispatcher = Dispatcher(StreamingModels([busy], ["No"]), board, lease, patience)
    async with followed(board) as told:
        taking = asyncio.create_task(dispatcher.take(Prompts(a_deliberation()), 1, PROPOSE, {}))
        for seconds in (0.0, 0.0, 7.9, waited - 8.0):
            await clock.advance(seconds)
        assert dispatcher.obstacles(DELIBERATION) == ("its next attempt, since busy",)
        await clock.advance(0.1)
        assert (await taking).content == "No"
    assert pieces(told) == [(2, 0, "No")]
