"""Watching endpoints: what is seen of servers that stop, hang, return and change."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus

import pytest
from structlog.testing import capture_logs
from typing_extensions import override

from orchestrator.domain.councils import Endpoint
from orchestrator.domain.errors import UnavailableError
from orchestrator.domain.health import EndpointHealth, EndpointStatus
from orchestrator.vllm.client import ModelClient
from orchestrator.vllm.connections import Connections, Line
from orchestrator.vllm.watch import TELL_AGAIN, Watch
from tests.support.model_behaviour import Behaviour
from tests.support.model_calls import NoRehearsal, call, endpoint, seat
from tests.support.model_server import ModelServer
from tests.support.waiting import until

UP, DOWN, UNKNOWN = EndpointStatus.UP, EndpointStatus.DOWN, EndpointStatus.UNKNOWN


class Graph:
    """The endpoints that there are, and what was told of their models."""

    def __init__(self, *endpoints: Endpoint) -> None:
        self.endpoints: tuple[Endpoint, ...] = endpoints
        self.away = False
        self.told: list[tuple[str, tuple[str, ...]]] = []

    async def read(self) -> Collection[Endpoint]:
        if self.away:
            raise UnavailableError("the graph is away")
        return self.endpoints

    async def take_in(self, endpoint: Endpoint, models: tuple[str, ...]) -> None:
        if self.away:
            raise UnavailableError("the graph is away")
        self.told.append((endpoint.name, models))


@asynccontextmanager
async def watching(
    graph: Graph,
    connections: Connections,
    *,
    every: float = 0.02,
    patience: float = 5.0,
    tell_again: float = TELL_AGAIN,
) -> AsyncGenerator[Watch]:
    watch = Watch(
        endpoints=graph.read,
        connections=connections,
        on_models=graph.take_in,
        every=every,
        patience=patience,
        tell_again=tell_again,
    )
    running = asyncio.create_task(watch.run())
    try:
        yield watch
    finally:
        assert not running.done(), running
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


def is_(watch: Watch, place: Endpoint, status: EndpointStatus) -> Callable[[], bool]:
    return lambda: watch.health(place).status is status


async def test_an_endpoint_is_unknown_then_up_with_its_models(
    connections: Connections, server: ModelServer
):
    place = endpoint(server.url)
    async with watching(Graph(place), connections) as watch:
        assert watch.health(place) == EndpointHealth()
        await until(is_(watch, place, UP))
        assert watch.health(place) == EndpointHealth(status=UP, served_models=("tiny",))


async def test_a_stopped_endpoint_is_down_and_up_again_and_each_is_logged_once(
    connections: Connections, server: ModelServer
):
    place = endpoint(server.url)
    with capture_logs() as logs:
        async with watching(Graph(place), connections) as watch:
            await until(is_(watch, place, UP))
            await server.stop()
            await until(is_(watch, place, DOWN))
            assert watch.health(place).served_models == ()
            await server.listen()
            await until(is_(watch, place, UP))
    assert [(line["event"], line["endpoint"]) for line in logs] == [
        ("endpoint_up", "default"),
        ("endpoint_down", "default"),
        ("breaker_opened", "default"),
        ("endpoint_up", "default"),
    ]
    assert "cannot be reached" in logs[1]["reason"]


@pytest.fixture
async def server_process() -> AsyncGenerator[tuple[asyncio.subprocess.Process, str]]:
    """A server that can be stopped with a signal."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.model_server", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().strip()
    yield process, url
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGCONT)
        process.kill()
    await process.wait()


async def test_an_endpoint_stopped_with_a_signal_is_down_and_up_unasked(
    connections: Connections, server_process: tuple[asyncio.subprocess.Process, str]
):
    process, url = server_process
    place = endpoint(url)
    watch = Watch(endpoints=Graph(place).read, connections=connections)
    running = asyncio.create_task(watch.run())
    await until(is_(watch, place, UP))
    os.kill(process.pid, signal.SIGSTOP)
    await until(is_(watch, place, DOWN))
    os.kill(process.pid, signal.SIGCONT)
    await until(is_(watch, place, UP))
    running.cancel()
    await asyncio.wait([running])


async def test_a_single_silence_is_not_yet_a_stop(connections: Connections, server: ModelServer):
    place = endpoint(server.url)
    # Long enough that only the server is silent, and not the machine.
    async with watching(Graph(place), connections, patience=1.0) as watch:
        await until(is_(watch, place, UP))
        with capture_logs() as logs:
            server.ignore = 1
            await until(lambda: server.ignore == 0)
            server.models = ("tiny", "more")
            await until(lambda: watch.health(place).served_models == ("tiny", "more"))
            assert logs == []
            server.ignore = 2
            await until(is_(watch, place, DOWN))


async def test_a_slow_endpoint_does_not_delay_the_others(
    connections: Connections, server: ModelServer
):
    async with ModelServer() as slow:
        slow.hung = True
        places = [endpoint(slow.url, "slow"), endpoint(server.url, "quick")]
        async with watching(Graph(*places), connections, patience=30) as watch:
            await until(is_(watch, places[1], UP), seconds=20)
            await server.stop()
            await until(is_(watch, places[1], DOWN), seconds=20)
            assert watch.health(places[0]).status is UNKNOWN


async def test_a_server_without_health_is_judged_by_its_models(
    connections: Connections, server: ModelServer
):
    server.has_health = False
    place = endpoint(server.url)
    async with watching(Graph(place), connections) as watch:
        await until(is_(watch, place, UP))
        assert watch.health(place).served_models == ("tiny",)
        server.models_status = 500
        await until(is_(watch, place, DOWN))


@pytest.mark.parametrize("status", [204, 302, 401, 403, 501])
async def test_a_server_whose_health_is_not_shown_is_judged_by_its_models(
    connections: Connections, server: ModelServer, status: int
):
    server.health_status = status
    place = endpoint(server.url)
    async with watching(Graph(place), connections) as watch:
        await until(is_(watch, place, UP))
        assert watch.health(place).served_models == ("tiny",)
        server.models_status = 500
        await until(is_(watch, place, DOWN))


async def test_a_server_that_is_silent_about_its_health_alone_is_judged_by_its_models(
    connections: Connections, server: ModelServer
):
    server.health_hung = True
    place = endpoint(server.url)
    with capture_logs() as logs:
        async with watching(Graph(place), connections, patience=0.5) as watch:
            await until(is_(watch, place, UP))
            assert watch.health(place).served_models == ("tiny",)
            await until(lambda: server.looks_at_health == 2)
            server.models = ("tiny", "more")
            await until(lambda: watch.health(place).served_models == ("tiny", "more"))
            assert server.looks_at_health == 2
            server.models_status = 500
            await until(is_(watch, place, DOWN))
    assert [line["event"] for line in logs][:2] == ["endpoint_up", "endpoint_down"]


async def test_a_server_that_is_silent_about_its_health_alone_is_up_again_however_long_it_was_silent(
    connections: Connections, server: ModelServer
):
    server.hung = server.health_hung = True
    place = endpoint(server.url)
    async with watching(Graph(place), connections, patience=0.2) as watch:
        await until(is_(watch, place, DOWN))
        server.hung = False
        await until(is_(watch, place, UP))


async def test_a_server_that_is_silent_about_its_health_and_shows_no_models_is_down(
    connections: Connections, server: ModelServer
):
    place = endpoint(server.url)
    async with watching(Graph(place), connections, patience=0.5) as watch:
        await until(is_(watch, place, UP))
        # As where a proxy in front of it refuses the list of a server that is stopped.
        server.health_hung, server.models_status = True, 403
        await until(is_(watch, place, DOWN))


async def test_a_server_that_has_its_models_answer_for_its_health_and_does_not_list_them_is_up(
    connections: Connections, server: ModelServer
):
    server.health_body = b'{"healthy_endpoints":[{"model":"openai/tiny"}],"healthy_count":1}'
    server.models_status = 403
    place = endpoint(server.url)
    async with watching(Graph(place), connections) as watch:
        await until(is_(watch, place, UP))
        with capture_logs() as logs:
            looks = server.looks_at_health
            await until(lambda: server.looks_at_health > looks + 3)
        assert logs == []


async def test_a_health_that_has_each_model_answer_a_call_is_asked_for_once(
    connections: Connections, server: ModelServer
):
    server.health_body = b'{"healthy_endpoints":[{"model":"openai/tiny"}],"healthy_count":1}'
    place = endpoint(server.url)
    async with watching(Graph(place), connections) as watch:
        await until(is_(watch, place, UP))
        server.models = ("tiny", "more")
        await until(lambda: watch.health(place).served_models == ("tiny", "more"))
    assert server.looks_at_health == 1


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_server_that_says_it_is_not_well_is_down(
    connections: Connections, server: ModelServer, status: int
):
    server.health_status = status
    place = endpoint(server.url)
    with capture_logs() as logs:
        async with watching(Graph(place), connections) as watch:
            await until(is_(watch, place, DOWN))
    assert f"{status} {HTTPStatus(status).phrase}" in logs[0]["reason"]


async def test_models_may_be_listed_without_anything_around(
    connections: Connections, server: ModelServer
):
    server.has_health = server.models_in_data = False
    place = endpoint(server.url)
    async with watching(Graph(place), connections) as watch:
        await until(is_(watch, place, UP))
        assert watch.health(place).served_models == ("tiny",)


async def test_a_server_that_keeps_its_models_to_itself_is_up(
    connections: Connections, server: ModelServer
):
    server.models_status = 403
    place = endpoint(server.url)
    async with watching(Graph(place), connections) as watch:
        await until(is_(watch, place, UP))
        assert watch.health(place).served_models == ()


async def test_models_whose_names_the_graph_cannot_hold_are_passed_over(
    connections: Connections, server: ModelServer
):
    server.models = ("good", "", "x" * 256, "half\ud83d", "nul\0", "größer 😀")
    place = endpoint(server.url)
    async with watching(Graph(place), connections) as watch:
        await until(is_(watch, place, UP))
        assert watch.health(place).served_models == ("good", "größer 😀")


async def test_an_endpoint_without_its_key_is_down_with_the_reason(
    connections: Connections, server: ModelServer
):
    place = endpoint(server.url, "gpu", "COUNCIL_KEY_OTHER")
    with capture_logs() as logs:
        async with watching(Graph(place), connections) as watch:
            await until(is_(watch, place, DOWN))
    assert "COUNCIL_KEY_OTHER is not set" in logs[0]["reason"]


@pytest.mark.parametrize("status", [401, 503])
async def test_why_an_endpoint_is_down_is_said_until_it_is_up(
    connections: Connections, server: ModelServer, status: int
):
    server.health_status = server.models_status = status
    place = endpoint(server.url)
    async with watching(Graph(place), connections) as watch:
        await until(is_(watch, place, DOWN))
        assert str(status) in (watch.health(place).reason or "")
        server.health_status = server.models_status = 200
        await until(is_(watch, place, UP))
        assert watch.health(place).reason is None


class Broken(Connections):
    """Fails at the endpoint `odd` in a way that nobody foresaw."""

    @override
    async def line(self, endpoint: Endpoint) -> Line:
        if endpoint.name == "odd":
            raise UnicodeError("label empty or too long")
        return await super().line(endpoint)


async def test_an_endpoint_that_fails_as_nobody_foresaw_is_down_and_the_others_are_watched_on(
    server: ModelServer,
):
    odd, good = endpoint("http://odd", "odd"), endpoint(server.url, "good")
    with capture_logs() as logs:
        async with (
            Broken(environment={}, calls_per_endpoint=1) as connections,
            watching(Graph(odd, good), connections) as watch,
        ):
            await until(is_(watch, odd, DOWN))
            await until(is_(watch, good, UP))
            await server.stop()
            await until(is_(watch, good, DOWN))
    down = [line for line in logs if line["endpoint"] == "odd"]
    assert [(line["event"], line["reason"]) for line in down] == [
        ("endpoint_down", "endpoint odd could not be asked: UnicodeError")
    ]


async def test_changed_models_are_told_once_each_also_when_the_graph_was_away(
    connections: Connections, server: ModelServer
):
    place = endpoint(server.url)
    graph = Graph(place)
    async with watching(graph, connections) as watch:
        await until(lambda: graph.told == [("default", ("tiny",))])
        graph.away = True
        server.models = ("tiny", "lora")
        await until(lambda: watch.health(place).served_models == ("tiny", "lora"))
        assert len(graph.told) == 1
        graph.away = False
        await until(lambda: len(graph.told) > 1)
        looks = server.connections
        await server.stop()
        await until(is_(watch, place, DOWN))
        await server.listen()
        await until(is_(watch, place, UP))
        assert server.connections > looks
    assert graph.told == [("default", ("tiny",)), ("default", ("tiny", "lora"))]


async def test_models_that_stay_the_same_are_told_again_now_and_then(
    connections: Connections, server: ModelServer
):
    graph = Graph(endpoint(server.url))
    async with watching(graph, connections, tell_again=0.05):
        await until(lambda: graph.told == [("default", ("tiny",))] * 3)


async def test_an_endpoint_that_comes_to_keep_its_models_to_itself_is_no_news_to_the_graph(
    connections: Connections, server: ModelServer
):
    place = endpoint(server.url)
    graph = Graph(place)
    async with watching(graph, connections) as watch:
        await until(lambda: len(graph.told) == 1)
        server.models_status = 403
        await until(lambda: watch.health(place) == EndpointHealth(status=UP))
        server.models_status, server.models = 200, ("tiny", "more")
        await until(lambda: ("default", ("tiny", "more")) in graph.told)
    assert ("default", ()) not in graph.told


async def test_endpoints_are_watched_while_the_graph_is_away(
    connections: Connections, server: ModelServer
):
    place = endpoint(server.url)
    graph = Graph(place)
    async with watching(graph, connections) as watch:
        await until(is_(watch, place, UP))
        graph.away = True
        await server.stop()
        await until(is_(watch, place, DOWN))


async def test_new_moved_and_removed_endpoints_are_seen(
    connections: Connections, server: ModelServer
):
    first, second = endpoint(server.url, "one"), endpoint("http://127.0.0.1:1", "two")
    graph = Graph(first)
    async with watching(graph, connections) as watch:
        await until(is_(watch, first, UP))
        graph.endpoints = (first, second)
        await until(is_(watch, second, DOWN))
        graph.endpoints = (first, endpoint(server.url, "two"))
        await until(is_(watch, second, UP))
        assert await watch.latest(second) == endpoint(server.url, "two")
        graph.endpoints = (second,)
        await until(is_(watch, first, UNKNOWN))
        assert await watch.latest(first) is None


async def test_what_has_come_since_the_graph_was_read_is_not_taken_for_removed(
    connections: Connections, server: ModelServer
):
    first, second = endpoint(server.url, "one"), endpoint(server.url, "two")
    graph = Graph(first)
    async with watching(graph, connections, every=60) as watch:
        await until(is_(watch, first, UP))
        graph.endpoints = (first, second)
        assert await watch.latest(second) == second


async def test_before_the_graph_has_answered_nobody_is_taken_for_removed(
    connections: Connections, server: ModelServer
):
    place, removed = endpoint(server.url), endpoint(server.url, "lab")
    graph = Graph(place)
    graph.away = True
    async with watching(graph, connections) as watch:
        asking = asyncio.gather(watch.latest(place), watch.latest(removed))
        await asyncio.sleep(0.1)
        assert not asking.done()
        graph.away = False
        assert await asking == [place, None]


async def test_while_the_graph_is_away_the_endpoints_are_as_it_had_them_last(
    connections: Connections, server: ModelServer
):
    place, removed = endpoint(server.url), endpoint(server.url, "lab")
    graph = Graph(place)
    async with watching(graph, connections) as watch:
        assert await watch.latest(removed) is None
        graph.away = True
        assert await watch.latest(place) == place
        assert await watch.latest(removed) is None


async def test_an_endpoint_is_known_to_list_its_models_also_while_it_is_down(
    connections: Connections, server: ModelServer
):
    place = endpoint(server.url)
    async with watching(Graph(place), connections) as watch:
        assert watch.listing("tiny") == []
        await until(is_(watch, place, UP))
        assert watch.listing("tiny") == [place]
        assert watch.listing("small") == []
        await server.stop()
        await until(is_(watch, place, DOWN))
        assert watch.listing("tiny") == [place]
        server.models = ("small",)
        await server.listen()
        await until(is_(watch, place, UP))
        assert watch.listing("tiny") == []


async def test_a_failed_call_has_its_endpoint_looked_at_at_once(
    connections: Connections, server: ModelServer
):
    place = endpoint(server.url)
    async with watching(Graph(place), connections, every=60, patience=5) as watch:
        await until(is_(watch, place, UP))
        await server.stop()
        client = ModelClient(connections=connections, watch=watch, rehearsal=NoRehearsal())
        asking = asyncio.create_task(client.ask(call(seat(place)), lambda _: None))
        await asyncio.wait([asking])
        assert asking.exception() is not None
        await until(is_(watch, place, DOWN))


async def test_calls_in_flight_are_counted(connections: Connections, server: ModelServer):
    server.script(Behaviour(latency=0.05))
    place = endpoint(server.url)
    async with watching(Graph(place), connections) as watch:
        client = ModelClient(connections=connections, watch=watch, rehearsal=NoRehearsal())
        asking = [
            asyncio.create_task(client.ask(call(seat(place), turn=f"t{n}"), lambda _: None))
            for n in range(3)
        ]
        await until(lambda: watch.health(place).in_flight == 3)
        await asyncio.gather(*asking)
        assert watch.health(place).in_flight == 0


async def test_a_list_of_models_that_is_none_leaves_the_endpoint_down_where_it_is_judged_by_it(
    connections: Connections, server: ModelServer
):
    server.has_health = False
    server.models_status = 404  # with /health and /v1/models gone, nothing here is a model's server
    place = endpoint(server.url)
    with capture_logs() as logs:
        async with watching(Graph(place), connections) as watch:
            await until(is_(watch, place, DOWN))
    assert "404 Not Found" in logs[0]["reason"]


async def test_who_listens_is_told_of_endpoints_that_come_go_and_change(
    connections: Connections, server: ModelServer
):
    place, moved = endpoint(server.url), endpoint("http://127.0.0.1:9/v1")
    graph = Graph(place)
    told: list[tuple[str, EndpointStatus]] = []
    async with watching(graph, connections, every=0.05) as watch:
        await until(is_(watch, place, UP))
        changes = watch.changes()

        async def listen() -> None:
            async for one in changes:
                told.append((one.url, watch.health(one).status))  # noqa: PERF401 - looked at meanwhile

        listening = asyncio.create_task(listen())
        server.health_status = 503
        await until(lambda: told == [(place.url, DOWN)])
        server.health_status = 200
        await until(lambda: told[1:] == [(place.url, UP)])
        graph.endpoints = (moved,)
        watch.look()
        await until(lambda: (moved.url, DOWN) in told)
        graph.endpoints = ()
        await until(lambda: told[-1] == (moved.url, UNKNOWN))
        listening.cancel()

    # Nothing that did not change was told: a look comes twenty times a second.
    assert len(told) <= 5


async def test_the_endpoints_of_the_first_look_are_no_change(
    connections: Connections, server: ModelServer
):
    place = endpoint(server.url)
    async with watching(Graph(place), connections, every=0.05) as watch:
        changes = watch.changes()
        async with asyncio.timeout(40):
            first = await anext(changes)
        assert watch.health(first).status is UP
