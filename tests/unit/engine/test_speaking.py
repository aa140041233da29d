"""What agents say is told whole and in order, and at a bounded rate."""

from __future__ import annotations

import asyncio

import pytest

from orchestrator.engine.events import LiveEvent, TokensSpoken
from orchestrator.engine.following import Board, Follower
from orchestrator.engine.speaking import Speech
from tests.support.loop_clock import LoopClock


async def heard(follower: Follower, count: int) -> list[TokensSpoken]:
    events: list[LiveEvent] = [await anext(follower) for _ in range(count)]
    return [event for event in events if isinstance(event, TokensSpoken)]


async def test_what_comes_in_the_pause_after_a_piece_goes_together_in_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = LoopClock()
    monkeypatch.setattr(asyncio.get_running_loop(), "time", clock.time)
    board = Board()
    follower = board.follow("dlb_1")
    speech = Speech(board, "dlb_1", "trn_1")
    speech.begin(1)
    for piece in ("Well", ", ", "it "):
        speech.say(piece)
    (first,) = await heard(follower, 1)
    hearing = asyncio.create_task(heard(follower, 1))
    await clock.advance(0.04)
    speech.say("depends")
    assert not hearing.done()
    await clock.advance(0.02)
    (second,) = await hearing

    assert (first.offset, first.text) == (0, "Well")
    assert (second.offset, second.text) == (4, ", it depends")


async def test_what_is_left_is_told_at_the_end_and_the_next_attempt_is_counted_anew() -> None:
    board = Board()
    follower = board.follow("dlb_1")
    speech = Speech(board, "dlb_1", "trn_1")
    speech.begin(1)
    speech.say("I")
    speech.say(" think")
    speech.end()
    speech.begin(2)
    speech.say("No")

    pieces = await heard(follower, 3)

    assert [(one.attempt, one.offset, one.text) for one in pieces] == [
        (1, 0, "I"),
        (1, 1, " think"),
        (2, 0, "No"),
    ]


async def test_who_comes_later_hears_where_what_is_said_begins() -> None:
    board = Board()
    speech = Speech(board, "dlb_1", "trn_1")
    speech.begin(1)
    speech.say("Nobody ")
    speech.say("hears ")
    follower = board.follow("dlb_1")
    speech.say("this")

    (piece,) = await heard(follower, 1)

    assert (piece.offset, piece.text) == (13, "this")
