"""A client that has as much under way as one may: what it is told over each way, and that it may have more afterwards."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from orchestrator.api import visits
from orchestrator.api.clients import Bounds, Clients
from orchestrator.domain.callers import Scope
from orchestrator.identity import tokens
from orchestrator.identity.keeping import Kept
from orchestrator.identity.means import Means
from tests.integration.http.serving import served
from tests.support.samples import a_deliberation
from tests.support.waiting import eventually, until
from tests.unit.api.doubles import House

FOLLOW = 'subscription { deliberationEvents(id: "dlb_1") { sequence } }'
WAIT = '{ deliberation(id: "dlb_1", wait: 60) { id } }'
QUERY = "{ service { version } }"


@pytest.fixture
def house(house: House) -> House:
    house.archive.keep(a_deliberation())
    return house


@asynccontextmanager
async def greeted(url: str, token: str | None = None) -> AsyncGenerator[ClientConnection]:
    """Open a WebSocket and say hello."""
    async with connect(
        url.replace("http", "ws", 1),
        subprotocols=[Subprotocol("graphql-transport-ws")],
        proxy=None,
    ) as socket:
        payload = {} if token is None else {"authorization": f"Bearer {token}"}
        # It may have been closed already: that is heard.
        with suppress(ConnectionClosed):
            await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
        yield socket


async def heard(socket: ClientConnection) -> Any:
    """The next message, or the code and the reason with which the connection was closed."""
    try:
        return json.loads(await socket.recv())
    except ConnectionClosed:
        return socket.close_code, socket.close_reason


async def let_in(url: str, token: str | None = None) -> Any:
    """What a new connection hears."""
    async with greeted(url, token) as socket:
        return await heard(socket)


async def subscribe(socket: ClientConnection, id: str = "1", query: str = FOLLOW) -> None:
    await socket.send(json.dumps({"type": "subscribe", "id": id, "payload": {"query": query}}))


def refusal_of(error: Any, client: str, kind: str, bound: int) -> dict[str, Any]:
    """The line of the log under the id that the client was told."""
    return {
        "event": "client_refused",
        "log_level": "warning",
        "client": client,
        "kind": kind,
        "bound": bound,
        "correlation_id": error["extensions"]["correlationId"],
    }


ACKNOWLEDGED = {"type": "connection_ack"}


async def test_one_connection_too_many_is_closed_with_1013_and_the_reason(house: House) -> None:
    clients = Clients(Bounds(connections=2))
    async with served(house, clients=clients) as url:
        async with greeted(url) as first, greeted(url) as second:
            assert [await heard(first), await heard(second)] == [ACKNOWLEDGED] * 2

            code, reason = await let_in(url)

        assert await eventually(lambda: let_in(url), lambda heard: heard == ACKNOWLEDGED)
        await until(lambda: clients.under_way == {})

    assert code == 1013
    assert reason == "with this one the client has 3 connections at once, and may have 2 at most"


async def test_who_shows_a_token_takes_no_connection_from_others_at_his_address() -> None:
    ada, entry = tokens.create("ada", Scope.READ, None)
    bob, other = tokens.create("bob", Scope.READ, None)
    house = House(means=Means(kept=Kept(f"{entry} {other}", None)))
    clients = Clients(Bounds(connections=1))
    async with served(house, clients=clients) as url:
        async with greeted(url, ada) as one, greeted(url, bob) as another:
            assert [await heard(one), await heard(another)] == [ACKNOWLEDGED] * 2
            assert {name for name, _ in clients.under_way} == {"token:ada", "token:bob"}

            code, _ = await let_in(url, ada)
        await until(lambda: clients.under_way == {})

    assert code == 1013


async def test_subscriptions_count_together_over_all_connections_and_server_sent_events(
    house: House,
) -> None:
    clients = Clients(Bounds(subscriptions=2))
    headers = {"accept": "text/event-stream"}
    async with served(house, clients=clients) as url, AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx.AsyncClient(trust_env=False, timeout=15))

        async def streamed() -> httpx.Response:
            return await stack.enter_async_context(
                http.stream("POST", url, json={"query": FOLLOW}, headers=headers)
            )

        socket = await stack.enter_async_context(greeted(url))
        assert await heard(socket) == ACKNOWLEDGED
        await subscribe(socket)
        stream = await streamed()
        await until(lambda: sum(clients.under_way.values()) == 3)

        await subscribe(socket, "2")
        over_socket = await heard(socket)
        over_events = [line async for line in (await streamed()).aiter_lines()]

        # Who leaves makes room.
        await stream.aclose()
        await until(lambda: sum(clients.under_way.values()) == 2)
        await subscribe(socket, "3")
        await until(lambda: sum(clients.under_way.values()) == 3)

    reason = "with this one the client has 3 subscriptions at once, and may have 2 at most"
    assert (over_socket["type"], over_socket["id"]) == ("error", "2")
    [error] = over_socket["payload"]
    assert (error["message"], error["extensions"]["code"]) == (reason, "LIMIT")
    assert over_events[:3] == [": ping", "", "event: next"]
    assert reason in over_events[3]
    assert "event: complete" in over_events


@pytest.mark.parametrize(
    ("accept", "status", "after"),
    [("application/json", 200, None), ("application/graphql-response+json", 429, "1")],
)
async def test_one_request_too_many_is_429_where_the_protocol_lets_a_status_say_so(
    house: House, accept: str, status: int, after: str | None
) -> None:
    clients = Clients(Bounds(requests=1))
    async with served(house, clients=clients) as url, greeted(url) as socket:
        assert await heard(socket) == ACKNOWLEDGED
        # Over a WebSocket it is a request, too.
        await subscribe(socket, query=WAIT)
        await until(lambda: bool(house.office.followers))
        with capture_logs() as logs:
            async with httpx.AsyncClient(trust_env=False) as http:
                refused = await http.post(url, json={"query": QUERY}, headers={"accept": accept})

    assert (refused.status_code, refused.headers.get("retry-after")) == (status, after)
    [error] = refused.json()["errors"]
    assert error["message"] == (
        "with this one the client has 2 requests at once, and may have 1 at most"
    )
    assert error["extensions"]["code"] == "LIMIT"
    assert error["extensions"]["retryAfter"] == 1
    assert logs == [refusal_of(error, "127.0.0.1", "requests", 1)]


async def test_behind_a_proxy_on_this_machine_a_client_is_the_address_that_the_proxy_names(
    house: House,
) -> None:
    clients = Clients(Bounds(requests=1))
    async with served(house, clients=clients) as url, httpx.AsyncClient(trust_env=False) as http:

        async def ask(query: str, address: str) -> Any:
            headers = {"x-forwarded-for": address}
            return (await http.post(url, json={"query": query}, headers=headers)).json()

        waiting = asyncio.create_task(ask(WAIT, "192.0.2.1"))
        await until(lambda: bool(house.office.followers))
        same, another = await ask(QUERY, "192.0.2.1"), await ask(QUERY, "192.0.2.2")
        house.state.told_to_end.set()
        await waiting

    assert same["errors"][0]["extensions"]["limit"]["name"] == "clientRequests"
    assert "errors" not in another


async def test_over_one_connection_no_more_is_asked_at_once_than_it_can_carry(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visits, "MOST_OPERATIONS", 2)
    async with served(house) as url, greeted(url) as socket:
        assert await heard(socket) == ACKNOWLEDGED
        with capture_logs() as logs:
            for name in "123":
                await subscribe(socket, name)
            refused = await heard(socket)

        await socket.send(json.dumps({"type": "complete", "id": "1"}))
        await subscribe(socket, "4", QUERY)
        answered = await heard(socket)

    assert (refused["type"], refused["id"]) == ("error", "3")
    [error] = refused["payload"]
    assert error["message"] == (
        "with this one the connection has 3 operations at once, and may have 2 at most"
    )
    assert error["extensions"]["code"] == "LIMIT"
    assert logs == [refusal_of(error, "127.0.0.1", "operations", 2)]
    assert (answered["type"], answered["id"]) == ("next", "4")
