"""How the limit on calls follows what a server can do."""

from __future__ import annotations

import pytest

from orchestrator.vllm.metrics import queue_of
from orchestrator.vllm.throttle import LONGEST_QUEUE, Queue, Throttle
from tests.unit.vllm.conftest import Clock

MOST = 64


@pytest.fixture
def throttle(clock: Clock) -> Throttle:
    return Throttle(MOST, clock)


def refuse(
    throttle: Throttle, clock: Clock, at_work: int = 0, retry_after: float | None = None
) -> None:
    throttle.refused(
        "full", sent=clock.now, in_flight=MOST, at_work=at_work, retry_after=retry_after
    )


def test_a_refusal_takes_the_limit_back_to_what_the_server_is_at_work_on(
    throttle: Throttle, clock: Clock
) -> None:
    refuse(throttle, clock, at_work=16)
    assert throttle.limit == 16


def test_whatever_is_refused_one_call_may_be_in_flight(throttle: Throttle, clock: Clock) -> None:
    for _ in range(5):
        refuse(throttle, clock)
        clock.now += 100
    assert throttle.limit == 1


def test_refusals_of_one_round_count_once(throttle: Throttle, clock: Clock) -> None:
    sent = clock.now
    clock.now += 1
    for at_work in (16, 3, 2):
        throttle.refused("full", sent=sent, in_flight=MOST, at_work=at_work, retry_after=None)
    # What was sent after the first of them would have counted.
    assert throttle.limit == 16


def test_after_a_refusal_nothing_is_sent_for_as_long_as_the_server_asked(
    throttle: Throttle, clock: Clock
) -> None:
    refuse(throttle, clock, retry_after=30)
    assert throttle.opens_in == 30
    clock.now += 30
    assert throttle.opens_in == 0


def test_it_says_since_when_the_server_refuses_and_what_it_said_last_until_it_answers(
    throttle: Throttle, clock: Clock
) -> None:
    began = clock.now
    refuse(throttle, clock)
    clock.now += 5
    throttle.refused("busy", sent=clock.now, in_flight=1, at_work=0, retry_after=None)
    assert (throttle.since, throttle.reason) == (began, "busy")
    throttle.heard(1)
    assert throttle.since is None


def test_a_server_that_names_a_pause_does_not_lengthen_the_one_it_does_not_name(
    throttle: Throttle, clock: Clock
) -> None:
    for _ in range(3):
        refuse(throttle, clock, retry_after=30)
        clock.now += 30
    refuse(throttle, clock)
    assert throttle.opens_in == 0.5


def test_a_server_that_asks_for_no_time_is_given_some(throttle: Throttle, clock: Clock) -> None:
    refuse(throttle, clock, retry_after=0)
    assert throttle.opens_in == 0.5


def test_without_a_word_from_the_server_the_pauses_double_up_to_a_bound(
    throttle: Throttle, clock: Clock
) -> None:
    pauses: list[float] = []
    for _ in range(6):
        refuse(throttle, clock)
        pauses.append(throttle.opens_in)
        clock.now += throttle.opens_in
    assert pauses == [0.5, 1, 2, 4, 8, 8]
    throttle.heard(1)
    refuse(throttle, clock)
    assert throttle.opens_in == 0.5


def test_first_words_double_the_limit_up_to_half_of_what_was_too_much(
    throttle: Throttle, clock: Clock
) -> None:
    refuse(throttle, clock)
    rounds: list[int] = []
    sent = 0
    for _ in range(6):
        fresh, sent = throttle.limit - sent, throttle.limit
        rounds.append(fresh)
        for _ in range(fresh):
            throttle.heard(throttle.limit)
    assert rounds == [1, 2, 4, 8, 16, 2]


def test_refusals_of_a_single_call_leave_the_way_back_as_short_as_it_was(
    throttle: Throttle, clock: Clock
) -> None:
    for in_flight in (MOST, 1, 1, 1):
        throttle.refused("full", sent=clock.now, in_flight=in_flight, at_work=0, retry_after=None)
        clock.now += 100
    for _ in range(MOST // 4):
        throttle.heard(throttle.limit)
    assert throttle.limit > MOST // 2


def test_the_limit_never_grows_beyond_the_setting(throttle: Throttle) -> None:
    for _ in range(1000):
        throttle.heard(MOST)
        throttle.saw(Queue(running=MOST, waiting=0), MOST)
    assert throttle.limit == MOST


def test_a_limit_that_holds_nothing_back_does_not_grow(throttle: Throttle, clock: Clock) -> None:
    refuse(throttle, clock, at_work=16)
    for _ in range(100):
        throttle.heard(3)
        throttle.saw(Queue(running=3, waiting=0), 3)
    assert throttle.limit == 16


def test_after_the_server_was_away_the_limit_begins_with_one_and_finds_the_old_one_again(
    throttle: Throttle,
) -> None:
    throttle.restart()
    assert throttle.limit == 1
    for _ in range(40):
        throttle.heard(throttle.limit)
    assert throttle.limit == MOST


def test_after_the_server_was_away_calls_double_up_to_where_they_were_and_go_on_slowly(
    throttle: Throttle, clock: Clock
) -> None:
    refuse(throttle, clock)
    for _ in range(400):
        throttle.heard(throttle.limit)
    before = throttle.limit
    assert MOST // 2 < before < MOST
    throttle.restart()
    for _ in range(before // 2 + 1):
        throttle.heard(throttle.limit)
    assert before <= throttle.limit <= before + 2


@pytest.mark.parametrize(
    ("queue", "in_flight", "limit"),
    [
        # All of it is ours: what is too much in the queue is not sent again.
        (Queue(running=16, waiting=LONGEST_QUEUE + 40), 64, 24),
        # Half of it is ours.
        (Queue(running=16, waiting=LONGEST_QUEUE + 40), 32, 12),
        # Nothing of it is ours: nothing is added, but one call that finds out.
        (Queue(running=16, waiting=LONGEST_QUEUE + 40), 0, 1),
        (Queue(running=16, waiting=LONGEST_QUEUE), 24, MOST),
        (Queue(running=16, waiting=0), 16, MOST),
        # We know of more in flight than the server does yet.
        (Queue(running=0, waiting=LONGEST_QUEUE + 1), 64, 63),
    ],
)
def test_what_waits_inside_the_server_takes_the_limit_back_by_our_share(
    throttle: Throttle, queue: Queue, in_flight: int, limit: int
) -> None:
    throttle.saw(queue, in_flight)
    assert throttle.limit == limit


def test_with_nothing_waiting_the_limit_grows_by_a_queues_length_a_look(
    throttle: Throttle,
) -> None:
    throttle.saw(Queue(running=16, waiting=LONGEST_QUEUE + 24), 48)
    assert throttle.limit == 24
    throttle.saw(Queue(running=24, waiting=0), 24)
    assert throttle.limit == 24 + LONGEST_QUEUE
    throttle.saw(Queue(running=32, waiting=1), 32)
    assert throttle.limit == 24 + LONGEST_QUEUE


def test_first_words_let_nothing_more_in_while_too_much_waits_inside_the_server(
    throttle: Throttle,
) -> None:
    throttle.saw(Queue(running=16, waiting=LONGEST_QUEUE + 50), 0)
    throttle.heard(1)
    assert throttle.limit == 1
    # It tells no more: what it said then does not hold for ever.
    throttle.saw(None, 1)
    throttle.heard(1)
    assert throttle.limit == 2


# ---------------------------------------------------------------- /metrics

VLLM = """\
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="tiny"} 3.0
vllm:num_requests_running{engine="1",model_name="tiny"} 4.0
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="tiny"} 2.0
vllm:num_requests_waiting{engine="1",model_name="tiny"} 0.0
vllm:num_requests_waiting_by_reason{engine="0",model_name="tiny",reason="capacity"} 2.0
vllm:time_to_first_token_seconds_bucket{engine="0",le="0.001",model_name="tiny"} 0.0
"""


def test_the_queue_is_summed_over_engines() -> None:
    assert queue_of(VLLM) == Queue(running=7, waiting=2)


def test_counts_below_nothing_are_nothing() -> None:
    text = "vllm:num_requests_running -9.0\nvllm:num_requests_waiting 9.0\n"
    assert queue_of(text) == Queue(running=0, waiting=9)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html>Not here</html>",
        "process_open_fds 12.0\n",
        "vllm:num_requests_running 1.0\n",
        "vllm:num_requests_running 1.0\nvllm:num_requests_waiting NaN\n",
        "vllm:num_requests_running 1.0\nvllm:num_requests_waiting +Inf\n",
        'vllm:num_requests_running{a="b 1.0\nvllm:num_requests_waiting x\n',
    ],
)
def test_metrics_that_tell_no_queue_are_none(text: str) -> None:
    assert queue_of(text) is None
