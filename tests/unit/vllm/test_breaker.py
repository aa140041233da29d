"""When a breaker opens, what lets it half-open, and what closes it."""

from __future__ import annotations

import pytest

from orchestrator.vllm.breaker import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    MOST_FAILURES,
    Breaker,
    State,
    Trouble,
)
from tests.unit.vllm.conftest import Clock


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock)


def fail(breaker: Breaker, clock: Clock, trouble: Trouble = Trouble.BROKEN) -> None:
    trial = breaker.look() is State.HALF_OPEN
    breaker.failed(trouble, "it broke", sent=clock.now, trial=trial, alone=False)


def test_failures_in_a_row_open_it_and_one_less_do_not(breaker: Breaker, clock: Clock) -> None:
    for _ in range(MOST_FAILURES - 1):
        fail(breaker, clock)
    assert breaker.look() is State.CLOSED
    fail(breaker, clock)
    assert (breaker.look(), breaker.since, breaker.reason) == (State.OPEN, 100.0, "it broke")


@pytest.mark.parametrize(
    ("trouble", "answers"),
    [(Trouble.BROKEN, True), (Trouble.UNREACHED, False), (Trouble.SILENT, False)],
)
def test_what_fails_though_it_answers_is_told_from_what_is_not_there(
    breaker: Breaker, clock: Clock, trouble: Trouble, *, answers: bool
) -> None:
    for _ in range(MOST_FAILURES):
        fail(breaker, clock, trouble)
    assert breaker.answers is answers
    breaker.down("it cannot be reached")
    assert not breaker.answers


def test_an_answer_between_failures_begins_the_count_anew(breaker: Breaker, clock: Clock) -> None:
    for _ in range(3 * MOST_FAILURES):
        fail(breaker, clock)
        assert breaker.look() is State.CLOSED
        breaker.heard()


def test_a_connection_that_nobody_takes_opens_it_at_once(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, clock, Trouble.UNREACHED)
    assert breaker.look() is State.OPEN


def test_a_server_that_is_silent_to_everybody_opens_it_at_once(
    breaker: Breaker, clock: Clock
) -> None:
    breaker.failed(Trouble.SILENT, "", sent=clock.now, trial=False, alone=False)
    assert breaker.look() is State.OPEN


def test_silent_is_what_it_was_for_last_and_no_more_once_it_answers(
    breaker: Breaker, clock: Clock
) -> None:
    fail(breaker, clock, Trouble.SILENT)
    assert breaker.silent
    clock.now += FIRST_PAUSE
    fail(breaker, clock)
    assert not breaker.silent
    clock.now += 2 * FIRST_PAUSE
    fail(breaker, clock, Trouble.SILENT)
    breaker.heard()
    assert not breaker.silent


def test_one_silent_call_among_others_that_are_answered_does_not_open_it(
    breaker: Breaker, clock: Clock
) -> None:
    breaker.failed(Trouble.SILENT, "", sent=clock.now, trial=False, alone=True)
    assert breaker.look() is State.CLOSED


def test_a_limit_that_the_server_sets_us_never_opens_it(breaker: Breaker, clock: Clock) -> None:
    for _ in range(3 * MOST_FAILURES):
        fail(breaker, clock, Trouble.LIMITED)
    assert breaker.look() is State.CLOSED


def test_open_it_is_half_open_after_a_pause(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, clock, Trouble.UNREACHED)
    clock.now += FIRST_PAUSE - 0.01
    assert breaker.look() is State.OPEN
    clock.now += 0.01
    assert breaker.look() is State.HALF_OPEN


def test_a_trial_that_fails_opens_it_for_twice_as_long_up_to_a_bound(
    breaker: Breaker, clock: Clock
) -> None:
    pauses: list[float | None] = []
    fail(breaker, clock, Trouble.UNREACHED)
    for _ in range(6):
        pauses.append(breaker.opens_in)
        clock.now += breaker.opens_in or 0.0
        fail(breaker, clock)
    assert pauses == [1, 2, 4, 8, LONGEST_PAUSE, LONGEST_PAUSE]
    assert breaker.since == 100.0


def test_a_trial_that_is_answered_closes_it_and_the_pauses_begin_anew(
    breaker: Breaker, clock: Clock
) -> None:
    fail(breaker, clock, Trouble.UNREACHED)
    clock.now += FIRST_PAUSE
    fail(breaker, clock)
    clock.now += 2 * FIRST_PAUSE
    assert breaker.look() is State.HALF_OPEN
    breaker.heard()
    assert (breaker.look(), breaker.since) == (State.CLOSED, None)
    fail(breaker, clock, Trouble.UNREACHED)
    assert breaker.opens_in == FIRST_PAUSE


def test_down_by_the_watch_no_time_and_no_answer_lets_a_trial_through(
    breaker: Breaker, clock: Clock
) -> None:
    breaker.down("it is down")
    clock.now += 1000
    breaker.heard()
    assert (breaker.look(), breaker.reason, breaker.opens_in) == (State.OPEN, "it is down", None)


def test_what_fails_already_is_down_for_the_reason_that_the_watch_found(
    breaker: Breaker, clock: Clock
) -> None:
    fail(breaker, clock, Trouble.UNREACHED)
    clock.now += 1
    breaker.down("it is down")
    assert (breaker.look(), breaker.reason) == (State.OPEN, "it is down")
    assert (breaker.since, breaker.opened_at) == (100.0, 100.0)


def test_up_by_the_watch_a_trial_goes_at_once_and_not_everything(
    breaker: Breaker, clock: Clock
) -> None:
    breaker.down("it is down")
    clock.now += 10
    breaker.up()
    assert (breaker.look(), breaker.since) == (State.HALF_OPEN, 100.0)


def test_up_by_the_watch_after_it_failed_a_trial_does_not_wait_for_the_pause(
    breaker: Breaker, clock: Clock
) -> None:
    fail(breaker, clock, Trouble.UNREACHED)
    breaker.down("it is down")
    breaker.up()
    assert breaker.look() is State.HALF_OPEN


def test_up_by_the_watch_does_not_shorten_the_pause_of_one_that_fails(
    breaker: Breaker, clock: Clock
) -> None:
    fail(breaker, clock, Trouble.UNREACHED)
    breaker.up()
    assert (breaker.look(), breaker.opens_in) == (State.OPEN, FIRST_PAUSE)


def test_calls_that_were_sent_before_it_opened_count_no_more(
    breaker: Breaker, clock: Clock
) -> None:
    sent = clock.now
    clock.now += 1
    fail(breaker, clock, Trouble.UNREACHED)
    clock.now += FIRST_PAUSE
    breaker.look()
    breaker.heard()
    for _ in range(3 * MOST_FAILURES):
        breaker.failed(Trouble.BROKEN, "", sent=sent, trial=False, alone=False)
    assert breaker.look() is State.CLOSED
