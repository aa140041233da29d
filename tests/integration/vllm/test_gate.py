"""Endpoints that are down, busy or silent: who waits for them, how few calls they get, and who goes first."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress

import pytest
from structlog.testing import capture_logs
from typing_extensions import override

from orchestrator.domain.councils import Endpoint, Seat
from orchestrator.domain.deliberations import Priority, Usage
from orchestrator.domain.errors import ModelError
from orchestrator.domain.health import EndpointHealth, EndpointStatus
from orchestrator.engine.ports import Answer, Call
from orchestrator.vllm.client import ModelClient
from orchestrator.vllm.connections import Connections, Line
from orchestrator.vllm.throttle import LONGEST_QUEUE
from orchestrator.vllm.watch import Watch
from tests.support.model_behaviour import Behaviour
from tests.support.model_calls import NoRehearsal, Seen, call, endpoint, load, seat
from tests.support.model_completions import vllm_error
from tests.support.model_server import ModelServer
from tests.support.waiting import until

FOR_EVER = None
SILENCE = 0.3
"""Seconds that it is borne where a test is about it."""
LONGER_SILENCE = 1.5
"""The same where nothing is to be taken for one, however slow the machine."""


class House:
    """A client whose endpoints are watched, and the calls that it makes."""

    def __init__(self, connections: Connections) -> None:
        self.places: tuple[Endpoint, ...] = ()
        self.connections = connections
        self.watch = Watch(
            endpoints=self._endpoints, connections=connections, every=0.05, patience=5
        )
        self.client = ModelClient(
            connections=connections, watch=self.watch, rehearsal=NoRehearsal()
        )
        self.asked: list[asyncio.Task[Answer]] = []

    async def _endpoints(self) -> tuple[Endpoint, ...]:
        return self.places

    async def watches(self, *places: Endpoint) -> None:
        self.places = places
        await self.sees(EndpointStatus.UP, *places)

    async def sees(self, status: EndpointStatus, *places: Endpoint) -> None:
        await until(lambda: all(self.watch.health(one).status is status for one in places))

    def ask(self, asked: Call, on_begin: Callable[[], Awaitable[None]] | None = None) -> None:
        asking = (
            self.client.ask(asked, ignore)
            if on_begin is None
            else self.client.ask(asked, ignore, on_begin)
        )
        self.asked.append(asyncio.create_task(asking))

    def ask_many(self, count: int, *places: Endpoint) -> None:
        for number in range(count):
            self.ask(call(seat(*places), turn=f"trn_{number}", wait=FOR_EVER))

    async def waits(self, turn: str = "trn_0") -> str:
        await until(lambda: self.client.obstacles(turn) != ())
        return "; ".join(self.client.obstacles(turn))

    async def answers(self) -> list[Answer]:
        return await asyncio.gather(*self.asked)


def ignore(_: str) -> None:
    """Nobody listens."""


@pytest.fixture
async def house(connections: Connections) -> AsyncGenerator[House]:
    house = House(connections)
    watching = asyncio.create_task(house.watch.run())
    yield house
    for task in (watching, *house.asked):
        task.cancel()
        with suppress(asyncio.CancelledError, ModelError):
            await task


# ---------------------------------------------------------------- down


async def test_calls_wait_while_their_endpoint_is_down_and_are_answered_when_it_is_back(
    house: House, server: ModelServer
):
    place = endpoint(server.url)
    await house.watches(place)
    await server.stop()
    await house.sees(EndpointStatus.DOWN, place)
    house.ask_many(6, place)
    words = await house.waits()
    assert re.fullmatch(
        r"endpoint default is down since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ: it cannot be reached: Connection refused",
        words,
    ), words
    assert house.watch.health(place).obstacle == words
    await server.listen()
    answers = await house.answers()
    assert all(answer.content.endswith("attempt 1.") for answer in answers)
    assert len(server.requests) == 6


async def test_a_call_that_waits_for_several_endpoints_is_not_sent_to_one_that_comes_back_without_its_model(
    house: House, server: ModelServer
):
    async with ModelServer() as other:
        places = endpoint(server.url), endpoint(other.url, "gpu")
        await house.watches(*places)
        for one in (server, other):
            await one.stop()
        await house.sees(EndpointStatus.DOWN, *places)
        house.ask_many(3, *places)
        await house.waits()
        server.models = ("another",)
        await server.listen()
        await house.sees(EndpointStatus.UP, places[0])
        await other.listen()
        await house.answers()
        assert (len(server.requests), len(other.requests)) == (0, 3)


async def test_a_call_that_nobody_took_waits_too_and_is_begun_again(
    client: ModelClient, server: ModelServer
):
    place = endpoint(server.url)
    await server.stop()
    begun: list[int] = []

    async def begin() -> None:
        begun.append(len(server.requests))

    # Nobody watches it: the call is what finds out.
    asked = call(seat(place), turn="trn_0", wait=FOR_EVER)
    asking = asyncio.create_task(client.ask(asked, ignore, begin))
    await until(lambda: len(begun) == 1 and client.obstacles("trn_0") != ())
    await server.listen()
    answer = await asking
    assert answer.content.endswith("attempt 1.")
    assert len(begun) >= 2


async def test_an_endpoint_that_nobody_watches_comes_back_by_trials(
    client: ModelClient, server: ModelServer
):
    place = endpoint(server.url)
    await server.stop()
    asking = asyncio.create_task(client.ask(call(seat(place), wait=FOR_EVER), ignore))
    await until(lambda: "is down since" in "".join(client.obstacles(call(seat(place)).turn)))
    await server.listen()
    assert (await asking).finish_reason == "stop"


async def test_after_it_was_down_one_call_goes_first_and_the_others_once_it_is_answered(
    house: House, server: ModelServer
):
    place = endpoint(server.url)
    await house.watches(place)
    await server.stop()
    await house.sees(EndpointStatus.DOWN, place)
    server.behaviour = Behaviour(latency=0.2)
    house.ask_many(6, place)
    await house.waits()
    await server.listen()
    await house.answers()
    first, *others = server.requests
    assert first.id == "trn_0"
    assert all(other.begun >= (first.ended or 0.0) for other in others)


async def test_a_trial_that_is_given_up_makes_room_for_the_next(house: House, server: ModelServer):
    place = endpoint(server.url)
    await house.watches(place)
    await server.stop()
    await house.sees(EndpointStatus.DOWN, place)
    server.script(Behaviour(latency=30), turn="trn_0")
    house.ask_many(2, place)
    await house.waits()
    await server.listen()
    await until(lambda: len(server.requests) == 1)
    house.asked.pop(0).cancel()
    [answer] = await house.answers()
    assert answer.content.startswith("Answer to trn_1")


async def test_a_refusal_of_what_a_trial_asked_is_a_sign_of_life(
    house: House, connections: Connections, server: ModelServer
):
    place = endpoint(server.url)
    await house.watches(place)
    await server.stop()
    await house.sees(EndpointStatus.DOWN, place)
    await server.listen()
    await house.sees(EndpointStatus.UP, place)
    gate = connections.gate(place)
    assert gate is not None
    assert gate.obstacle is not None
    server.script(Behaviour(status=400))
    with pytest.raises(ModelError, match="answered 400"):
        await house.client.ask(call(seat(place)), ignore)
    assert gate.obstacle is None


async def test_what_an_endpoint_refuses_the_watch_is_told_by_calls_in_its_own_words(
    house: House, server: ModelServer
):
    server.has_health = False
    server.models_status = 403
    server.script(Behaviour(status=403))
    place = endpoint(server.url)
    house.places = (place,)
    await house.sees(EndpointStatus.DOWN, place)
    with pytest.raises(ModelError, match="answered 403 Forbidden"):
        await house.client.ask(call(seat(place), wait=FOR_EVER), ignore)


async def test_a_wait_has_an_end_that_says_why(client: ModelClient, server: ModelServer):
    place = endpoint(server.url)
    await server.stop()
    with pytest.raises(ModelError, match=r"cannot be reached: Connection refused") as raised:
        await client.ask(call(seat(place), wait=0.3), ignore)
    assert "endpoint default is down since" in raised.value.reason
    assert not raised.value.retryable


async def test_a_call_that_is_cancelled_while_it_waits_leaves_nothing_behind(
    house: House, connections: Connections, server: ModelServer
):
    place = endpoint(server.url)
    await house.watches(place)
    await server.stop()
    await house.sees(EndpointStatus.DOWN, place)
    house.ask_many(3, place)
    await house.waits("trn_1")
    house.asked.pop(1).cancel()
    await until(lambda: load(connections, place) == 2)
    assert house.client.obstacles("trn_1") == ()
    await server.listen()
    await house.answers()
    assert sorted(request.id for request in server.requests) == ["trn_0", "trn_2"]
    assert load(connections, place) == 0


async def test_a_breaker_is_logged_once_when_it_opens_and_once_when_it_closes(
    house: House, server: ModelServer
):
    place = endpoint(server.url)
    await house.watches(place)
    with capture_logs() as logs:
        await server.stop()
        await house.sees(EndpointStatus.DOWN, place)
        house.ask_many(4, place)
        await house.waits()
        await server.listen()
        await house.answers()
    told = [line for line in logs if line["event"].startswith("breaker_")]
    assert [(line["event"], line["endpoint"], line["log_level"]) for line in told] == [
        ("breaker_opened", "default", "warning"),
        ("breaker_closed", "default", "info"),
    ]
    assert "cannot be reached" in told[0]["reason"]
    assert told[1]["seconds"] >= 0


# ---------------------------------------------------------------- several endpoints


async def test_a_call_goes_at_once_to_an_endpoint_that_is_well(house: House, server: ModelServer):
    async with ModelServer() as other:
        one, two = endpoint(server.url, "one"), endpoint(other.url, "two")
        await server.stop()
        # Before anybody knows that it is down, and afterwards.
        house.places = (one, two)
        house.ask(call(seat(one, two), turn="trn_0", wait=FOR_EVER))
        await house.answers()
        await house.sees(EndpointStatus.DOWN, one)
        house.ask(call(seat(one, two), turn="trn_1", wait=FOR_EVER))
        await house.answers()
        assert [request.id for request in other.requests] == ["trn_0", "trn_1"]


async def test_a_call_that_waits_for_several_goes_to_the_one_that_comes_back_first(
    house: House, server: ModelServer
):
    async with ModelServer() as other:
        one, two = endpoint(server.url, "one"), endpoint(other.url, "two")
        await house.watches(one, two)
        await server.stop()
        await other.stop()
        await house.sees(EndpointStatus.DOWN, one, two)
        house.ask(call(seat(one, two), turn="trn_0", wait=FOR_EVER))
        words = await house.waits()
        assert re.fullmatch("endpoint one is down .*; endpoint two is down .*", words), words
        await other.listen()
        await house.answers()
        assert (len(server.requests), len(other.requests)) == (0, 1)


async def test_a_call_that_waits_for_an_endpoint_that_moves_is_answered_where_it_is_now(
    client: ModelClient, seen: Seen, server: ModelServer
):
    old = endpoint("http://127.0.0.1:1/v1")
    asking = asyncio.create_task(client.ask(call(seat(old), wait=FOR_EVER), ignore))
    await until(lambda: client.obstacles(call(seat(old)).turn) != ())
    seen.moved[old.id] = endpoint(server.url)
    assert (await asking).finish_reason == "stop"


async def test_one_that_is_down_is_waited_for_where_the_others_lack_the_model(
    client: ModelClient, seen: Seen, server: ModelServer
):
    async with ModelServer() as other:
        one, two = endpoint(server.url, "one"), endpoint(other.url, "two")
        seen.known = {
            one.id: EndpointHealth(status=EndpointStatus.UP, served_models=("another",)),
            two.id: EndpointHealth(status=EndpointStatus.DOWN),
        }
        await client.ask(call(seat(one, two), wait=FOR_EVER), ignore)
        assert (len(server.requests), len(other.requests)) == (0, 1)


async def test_of_a_model_that_no_endpoint_lists_which_is_asked_for_it_the_log_is_told_once(
    client: ModelClient, seen: Seen, server: ModelServer
):
    one, silent = endpoint(server.url, "one"), endpoint(server.url, "silent")
    listed = EndpointHealth(status=EndpointStatus.UP, served_models=("another",))
    seen.known = {one.id: listed, silent.id: EndpointHealth(status=EndpointStatus.UP)}
    with capture_logs() as logs:
        await client.ask(call(seat(one, silent)), ignore)
        assert not logs
        for _ in range(2):
            await client.ask(call(seat(one)), ignore)
    assert [(line["event"], line["model"], line["endpoints"]) for line in logs] == [
        ("model_unlisted", seat(one).model.name, ["one"])
    ]


async def test_a_call_that_waits_goes_to_an_endpoint_that_has_come_to_list_its_model(
    house: House, server: ModelServer
):
    async with ModelServer() as other:
        place, spare = endpoint(server.url), endpoint(other.url, "spare")
        await house.watches(place)
        await server.stop()
        await house.sees(EndpointStatus.DOWN, place)
        house.ask(call(seat(place), turn="trn_0", wait=FOR_EVER))
        await house.waits()
        house.places = (place, spare)
        await house.answers()
        assert (len(server.requests), len(other.requests)) == (0, 1)


async def test_an_endpoint_that_was_removed_ends_its_calls_and_is_sent_no_other(
    house: House, server: ModelServer
):
    gate = asyncio.Event()
    server.script(Behaviour(until=gate))
    lab = endpoint(server.url, "lab", "COUNCIL_KEY_GPU")
    await house.watches(lab)
    house.ask(call(seat(bound=lab), turn="trn_0", wait=FOR_EVER))
    await until(lambda: len(server.requests) == 1)
    house.places = ()
    await house.sees(EndpointStatus.UNKNOWN, lab)
    with pytest.raises(ModelError, match="endpoint lab was removed"):
        await house.client.ask(call(seat(bound=lab), wait=FOR_EVER), ignore)
    gate.set()
    [answer] = await house.answers()
    assert answer.finish_reason == "stop"
    assert [request.id for request in server.requests] == ["trn_0"]


class Odd(Connections):
    """Fails at the endpoint `odd` in a way that nobody foresaw."""

    @override
    async def line(self, endpoint: Endpoint) -> Line:
        if endpoint.name == "odd":
            raise UnicodeError("label empty or too long")
        return await super().line(endpoint)


async def test_an_endpoint_that_cannot_even_be_connected_to_is_left_out_and_told_where_it_is_alone(
    seen: Seen, server: ModelServer
):
    odd, good = endpoint("http://odd", "odd"), endpoint(server.url, "good")
    async with Odd(environment={}, calls_per_endpoint=1) as connections:
        client = ModelClient(connections=connections, watch=seen, rehearsal=NoRehearsal())
        await client.ask(call(seat(odd, good)), ignore)
        with capture_logs() as logs, pytest.raises(ModelError) as raised:
            await client.ask(call(seat(odd), wait=FOR_EVER), ignore)
    assert raised.value.reason == "endpoint odd could not be asked: UnicodeError"
    assert [line["event"] for line in logs] == ["endpoint_unusable"]


# ---------------------------------------------------------------- busy


async def test_an_endpoint_that_answers_503_is_not_hammered_and_is_waited_for(
    house: House, server: ModelServer
):
    place = endpoint(server.url)
    await house.watches(place)
    server.behaviour = Behaviour(status=503)
    house.ask_many(40, place)
    await until(lambda: len(server.requests) >= 6)
    # Four were in flight at once, and after that one trial at a time, each after a longer pause.
    times = [request.begun for request in server.requests[4:6]]
    assert times[1] - times[0] >= 0.5
    server.behaviour = Behaviour()
    await house.answers()
    refused = [request for request in server.requests if request.outcome == "status 503"]
    assert len(refused) < 10
    assert len(server.requests) == 40 + len(refused)


async def test_an_endpoint_that_never_takes_a_call_is_given_up_after_the_wait(
    client: ModelClient, server: ModelServer
):
    server.behaviour = Behaviour(status=503)
    place = endpoint(server.url)
    asking = [
        client.ask(call(seat(place), turn=f"trn_{number}", wait=1.5), ignore)
        for number in range(40)
    ]
    errors = await asyncio.gather(*asking, return_exceptions=True)
    assert all(isinstance(one, ModelError) and "503" in one.reason for one in errors)
    assert not any(isinstance(one, ModelError) and one.retryable for one in errors)
    assert len(server.requests) < 10


async def test_calls_that_are_given_up_without_having_been_taken_have_used_nothing(
    client: ModelClient, server: ModelServer
):
    server.behaviour = Behaviour(status=503)
    place = endpoint(server.url)
    asking = [
        client.ask(call(seat(place), turn=f"trn_{number}", wait=0.5), ignore) for number in range(8)
    ]
    errors = await asyncio.gather(*asking, return_exceptions=True)
    # Of some their last refusal says so, of others the end of their wait for the next chance.
    assert [one.usage for one in errors if isinstance(one, ModelError)] == [Usage()] * 8


async def test_a_queue_that_fills_up_while_the_answer_begins_is_a_refusal_like_any_other(
    client: ModelClient, server: ModelServer
):
    # As a vLLM 0.32 does whose queue is bounded: 200, and the error as the first event.
    full = b"data: " + vllm_error(503, "The engine is currently busy.") + b"\n\n"
    server.script(Behaviour(chunks=(full, b"data: [DONE]\n\n")), attempts=1)
    answer = await client.ask(call(seat(endpoint(server.url)), wait=FOR_EVER), ignore)
    assert answer.content.endswith("attempt 2.")


async def test_a_call_that_is_limited_time_and_again_while_others_are_served_is_given_up(
    client: ModelClient, server: ModelServer
):
    server.script(Behaviour(status=429), turn="trn_0")
    place = endpoint(server.url)
    asking = asyncio.create_task(client.ask(call(seat(place), turn="trn_0", wait=1.0), ignore))
    while not asking.done():
        await client.ask(call(seat(place), turn="trn_1", wait=FOR_EVER), ignore)
    with pytest.raises(ModelError, match=r"answered 429 .*, time and again") as raised:
        await asking
    assert not raised.value.retryable


async def test_a_call_that_was_asked_to_wait_says_since_when_its_endpoint_takes_no_more(
    house: House, server: ModelServer
):
    server.script(Behaviour(status=429, headers=(("retry-after", "60"),)))
    place = endpoint(server.url)
    await house.watches(place)
    house.ask(call(seat(place), turn="trn_0", wait=FOR_EVER))
    await until(lambda: "takes no more since" in "".join(house.client.obstacles("trn_0")))


async def test_what_one_call_was_asked_to_wait_all_others_wait_too(
    client: ModelClient, seen: Seen, server: ModelServer
):
    server.script(
        Behaviour(status=429, headers=(("retry-after", "0.5"),)), turn="trn_0", attempts=1
    )
    place = endpoint(server.url)
    first = asyncio.create_task(client.ask(call(seat(place), turn="trn_0", wait=FOR_EVER), ignore))
    await until(lambda: bool(seen.suspected))
    await client.ask(call(seat(place), turn="trn_1", wait=FOR_EVER), ignore)
    await first
    refused, *others = server.requests
    assert [one.id for one in others] == ["trn_0", "trn_1"]
    assert all(one.begun - (refused.ended or 0.0) >= 0.5 for one in others)


async def test_calls_of_a_higher_priority_go_first_and_then_those_that_came_first(
    client: ModelClient, server: ModelServer
):
    server.priorities = True
    server.behaviour = Behaviour(latency=0.1)
    place = endpoint(server.url)
    order = [Priority.NORMAL] * 4
    order += [Priority.LOW, Priority.NORMAL, Priority.HIGH, Priority.NORMAL, Priority.HIGH]
    async with asyncio.TaskGroup() as tasks:
        for number, priority in enumerate(order):
            asked = call(seat(place), turn=f"trn_{number}", priority=priority)
            tasks.create_task(client.ask(asked, ignore))
        await until(lambda: len(server.requests) == 4)
        assert client.obstacles("trn_8") == ("its turn at endpoint default",)
    assert [request.id for request in server.requests][4:] == [
        "trn_6",
        "trn_8",
        "trn_5",
        "trn_7",
        "trn_4",
    ]


async def test_while_requests_wait_inside_the_server_none_is_added_to_them(
    house: House, connections: Connections, server: ModelServer
):
    server.queue = (2, LONGEST_QUEUE + 50)
    server.behaviour = Behaviour(latency=0.05)
    place = endpoint(server.url)
    await house.watches(place)
    # What the first look has read of them is heeded once there is a second.
    await until(lambda: connections.gate(place) is not None and server.looks_at_metrics > 1)
    await house.client.ask(call(seat(place)), ignore)
    house.ask_many(10, place)
    await until(lambda: len(server.requests) >= 5)
    assert server.most_in_flight == 1
    # With the queue gone, more are let in.
    server.queue = (1, 0)
    await until(lambda: server.most_in_flight > 1)
    await house.answers()


async def test_a_queue_that_could_not_be_shown_for_once_is_looked_at_again(
    house: House, server: ModelServer
):
    server.queue = (1, 0)
    await house.watches(endpoint(server.url))
    await until(lambda: server.looks_at_metrics > 0)
    server.metrics_status, looks = 500, server.looks_at_metrics
    await until(lambda: server.looks_at_metrics > looks)
    server.metrics_status, looks = 200, server.looks_at_metrics
    await until(lambda: server.looks_at_metrics > looks + 1)


@pytest.mark.parametrize("status", [200, 501])
async def test_a_server_without_metrics_is_asked_for_them_once(
    house: House, server: ModelServer, status: int
):
    server.metrics_status = status
    place = endpoint(server.url)
    await house.watches(place)
    await until(lambda: server.looks_at_metrics == 1)
    server.metrics_status, server.queue = 200, (2, LONGEST_QUEUE + 50)
    server.models = ("tiny", "later")
    await until(lambda: "later" in house.watch.health(place).served_models)
    server.behaviour = Behaviour(latency=0.05)
    house.ask_many(8, place)
    await house.answers()
    assert server.most_in_flight == 4
    assert server.looks_at_metrics == 1


# ---------------------------------------------------------------- slow, and silent


@pytest.mark.parametrize("silence", [LONGER_SILENCE])
async def test_a_slow_stream_goes_on_also_while_its_endpoint_is_found_down(
    house: House, server: ModelServer
):
    place = endpoint(server.url)
    await house.watches(place)
    server.script(Behaviour(content="It takes its time.", pieces=8, pace=0.3))
    house.ask(call(seat(place), turn="trn_0", wait=FOR_EVER))
    await until(lambda: len(server.requests) == 1)
    server.health_status = 503
    await house.sees(EndpointStatus.DOWN, place)
    [request] = server.requests
    assert request.outcome is None
    [answer] = await house.answers()
    assert answer.content == "It takes its time."
    assert (request.ended or 0.0) - request.begun > LONGER_SILENCE


@pytest.mark.parametrize("silence", [SILENCE])
async def test_a_server_that_takes_calls_and_says_nothing_costs_each_two_silences_and_no_more(
    client: ModelClient, server: ModelServer
):
    server.behaviour = Behaviour(hang_after=-1)
    place = endpoint(server.url)
    asked = call(seat(place), wait=FOR_EVER)
    with pytest.raises(ModelError, match="fell silent") as first:
        await client.ask(asked, ignore)
    with pytest.raises(ModelError, match="and not for the first time") as second:
        await client.ask(asked, ignore)
    assert (first.value.retryable, second.value.retryable) == (True, False)
    assert len(server.requests) == 2


@pytest.mark.parametrize("silence", [LONGER_SILENCE])
async def test_a_silent_call_among_others_that_are_answered_holds_nobody_up(
    client: ModelClient, connections: Connections, server: ModelServer
):
    server.script(Behaviour(hang_after=-1), turn="trn_0")
    server.behaviour = Behaviour(pieces=8, pace=0.3)
    place = endpoint(server.url)
    talking = asyncio.create_task(client.ask(call(seat(place), turn="trn_1"), ignore))
    with pytest.raises(ModelError, match="fell silent"):
        await client.ask(call(seat(place), turn="trn_0"), ignore)
    gate = connections.gate(place)
    assert gate is not None
    assert gate.obstacle is None
    await talking


# ---------------------------------------------------------------- all of it at once


TROUBLES = (
    Behaviour(status=503),
    Behaviour(status=500),
    Behaviour(status=429, headers=(("retry-after", "0.1"),)),
    Behaviour(hang_after=1),
    Behaviour(refuse=True),
    Behaviour(latency=0.05),
)


@pytest.mark.parametrize("silence", [SILENCE])
@pytest.mark.parametrize("seed", [1, 2])
async def test_whatever_befalls_the_endpoints_every_call_ends_and_none_is_left_behind(
    house: House, connections: Connections, server: ModelServer, seed: int
):
    chance = random.Random(seed)  # noqa: S311 - no secret

    async def answered(turn: str, asked: Seat) -> None:
        while True:
            with suppress(ModelError):
                await house.client.ask(call(asked, turn=turn, wait=FOR_EVER), ignore)
                return
            await asyncio.sleep(0.05)

    async with ModelServer() as other, asyncio.TaskGroup() as tasks:
        one, two = endpoint(server.url, "one"), endpoint(other.url, "two")
        await house.watches(one, two)
        choices = (seat(one), seat(two), seat(one, two))
        asking: list[asyncio.Task[None]] = []
        for _ in range(12):
            for number in range(10):
                turn = f"trn_{len(asking)}_{number}"
                asking.append(tasks.create_task(answered(turn, chance.choice(choices))))
            for troubled in (server, other):
                troubled.behaviour = chance.choice(TROUBLES)
                troubled.queue = chance.choice([None, (1, 0), (4, 100)])
                troubled.health_status = 200 if chance.random() < 0.8 else 503
                if chance.random() < 0.2:
                    await troubled.stop()
                    await troubled.listen()
            chance.choice(asking).cancel()
            await asyncio.sleep(0.1)
        for healed in (server, other):
            healed.behaviour = Behaviour()
            healed.queue = (0, 0)
            healed.health_status = 200
    assert load(connections, one) == load(connections, two) == 0
    assert max(server.most_in_flight, other.most_in_flight) <= 4
