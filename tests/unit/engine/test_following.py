"""Following a deliberation live, leases and presence."""

from __future__ import annotations

import asyncio
import fcntl
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from orchestrator.domain.errors import HomeUnusableError
from orchestrator.engine.events import Moved, TokensSpoken
from orchestrator.engine.following import Board
from orchestrator.engine.lease import Lease
from orchestrator.engine.presence import Presence
from tests.support.descriptors import all_taken
from tests.unit.engine.doubles import DELIBERATION, NOW


def piece(offset: int) -> TokensSpoken:
    return TokensSpoken(
        deliberation=DELIBERATION, at=NOW, turn="trn_1", attempt=1, offset=offset, text="x"
    )


async def test_a_follower_is_given_what_happens_after_he_was_made_even_before_he_asks() -> None:
    board = Board()
    follower = board.follow(DELIBERATION)
    board.post(piece(0))
    assert await anext(follower) == piece(0)


async def test_what_was_spoken_comes_before_the_news_that_the_turn_was_recorded() -> None:
    board = Board()
    follower = board.follow(DELIBERATION)
    for event in (piece(0), Moved(deliberation=DELIBERATION), Moved(deliberation=DELIBERATION)):
        board.post(event)
    assert [await anext(follower), await anext(follower)] == [
        piece(0),
        Moved(deliberation=DELIBERATION),
    ]


async def test_a_follower_is_not_given_what_others_do() -> None:
    board = Board()
    follower = board.follow("dlb_other")
    board.post(piece(0))
    board.post(Moved(deliberation="dlb_other"))
    assert await anext(follower) == Moved(deliberation="dlb_other")


async def test_a_slow_follower_costs_bounded_memory_and_keeps_the_newest() -> None:
    board = Board()
    follower = board.follow(DELIBERATION)
    for offset in range(5_000):
        board.post(piece(offset))
    first = await anext(follower)
    assert isinstance(first, TokensSpoken)
    assert first.offset == 5_000 - 1_024


async def test_a_follower_who_was_let_go_of_is_forgotten() -> None:
    board = Board()
    follower = board.follow(DELIBERATION)
    assert board.followed(DELIBERATION)
    del follower
    assert not board.followed(DELIBERATION)


async def test_a_lease_that_was_sent_long_ago_does_not_hold() -> None:
    lease = Lease(timedelta(seconds=10))
    await lease.renew(lease.now() - 11)
    waiting = asyncio.create_task(lease.held())
    await asyncio.sleep(0)
    assert not waiting.done()
    await lease.renew(lease.now())
    await waiting


def test_a_process_that_lives_is_not_gone(tmp_path: Path) -> None:
    with Presence(tmp_path).shown("prc_alive"):
        assert Presence(tmp_path).gone() == frozenset()


def test_a_process_that_begins_is_not_gone_before_it_has_its_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone: list[frozenset[str]] = []
    take = fcntl.flock

    def looked_at(descriptor: int, how: int) -> None:
        if how == fcntl.LOCK_EX:
            gone.append(Presence(tmp_path).gone())
        take(descriptor, how)

    monkeypatch.setattr("fcntl.flock", looked_at)
    with Presence(tmp_path).shown("prc_new"):
        assert Presence(tmp_path).gone() == frozenset()

    assert gone == [frozenset()]


def test_a_process_that_was_killed_is_gone(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys; from pathlib import Path\n"
        "from orchestrator.engine.presence import Presence\n"
        "with Presence(Path(sys.argv[1])).shown('prc_killed'):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert Presence(tmp_path).gone() == {"prc_killed"}


def test_that_a_process_is_gone_can_be_proved_for_longer_than_a_lease_and_not_for_ever(
    tmp_path: Path,
) -> None:
    seconds = [0.0]
    (tmp_path / "processes").mkdir()
    (tmp_path / "processes" / "prc_old.lock").touch()
    # Whoever has found it gone may be at work on another graph than it was.
    elsewhere = Presence(tmp_path, clock=lambda: seconds[-1])
    for now in (0.0, 3600.0):
        seconds.append(now)
        assert elsewhere.gone() == Presence(tmp_path).gone() == {"prc_old"}
    seconds.append(3601.0)
    assert elsewhere.gone() == Presence(tmp_path).gone() == frozenset()


def test_a_process_that_gave_back_what_it_held_is_forgotten(tmp_path: Path) -> None:
    presence = Presence(tmp_path)
    with presence.shown("prc_old"):
        pass
    presence.forget("prc_old")
    assert presence.gone() == frozenset()


def test_a_file_that_cannot_be_taken_away_is_left(tmp_path: Path) -> None:
    (tmp_path / "processes" / "prc_old.lock").mkdir(parents=True)
    Presence(tmp_path).forget("prc_old")
    assert (tmp_path / "processes" / "prc_old.lock").exists()


def test_where_callers_have_taken_all_descriptors_nobody_is_proved_gone(tmp_path: Path) -> None:
    presence = Presence(tmp_path)
    with presence.shown("prc_old"):
        pass
    with all_taken():
        assert presence.gone() == frozenset()
    assert presence.gone() == {"prc_old"}


async def test_those_whom_nobody_follows_any_more_are_forgotten() -> None:
    board = Board()
    followers = [board.follow(f"dlb_{number}") for number in range(1_000)]
    assert len(board.all_followed()) == 1_000
    del followers[1:]
    assert board.all_followed() == {"dlb_0"}
    assert len(vars(board)["_followers"]) == 1


@pytest.mark.parametrize(
    ("sequences", "told"), [((1, 2), 2), ((2, 1), 2), ((1, None), None), ((None, 1), None)]
)
async def test_of_two_moves_the_one_that_tells_more_is_given(
    sequences: tuple[int | None, ...], told: int | None
) -> None:
    board = Board()
    follower = board.follow(DELIBERATION)
    for sequence in sequences:
        board.post(Moved(deliberation=DELIBERATION, sequence=sequence))
    assert await anext(follower) == Moved(deliberation=DELIBERATION, sequence=told)


def test_a_home_in_which_nothing_can_be_is_told_by_its_variable_before_anything_begins(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").touch()
    presence = Presence(tmp_path / "file" / "home")
    with pytest.raises(HomeUnusableError, match=r"COUNCIL_HOME is .*file/home.*Not a directory"):
        presence.prepare()
    with pytest.raises(HomeUnusableError), presence.shown("prc_1"):
        pass
