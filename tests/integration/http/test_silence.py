"""A client that connects and does not go on: it is told so, and takes nothing from others for ever."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import urlsplit

import pytest
from structlog.testing import capture_logs
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from orchestrator.api import endpoint
from orchestrator.api.clients import Clients
from orchestrator.api.connections import http
from orchestrator.domain.callers import Caller
from tests.integration.http.serving import served
from tests.support.samples import a_deliberation
from tests.support.waiting import until
from tests.unit.api.doubles import House

SOON = 0.6
"""Seconds in which what does come has to come, on a busy machine, too."""
ASKED = b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n"
POSTED = b"POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 30\r\n\r\n"
WAIT = b"/graphql?query={deliberation(id:%22dlb_1%22,wait:60){id}}"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_REQUEST_SECONDS", SOON)
    monkeypatch.setattr(endpoint, "_GREETING_SECONDS", SOON)


async def heard(url: str, sent: bytes) -> bytes:
    """Send that much, and return what comes until the connection is closed."""
    where = urlsplit(url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    writer.write(sent)
    async with asyncio.timeout(40):
        answer = await reader.read()
    writer.close()
    return answer


async def test_websocket_without_connection_init_is_closed_with_4408_and_counts_no_longer(
    house: House,
) -> None:
    clients = Clients()
    async with served(house, clients=clients) as url:
        async with connect(
            url.replace("http", "ws", 1),
            subprotocols=[Subprotocol("graphql-transport-ws")],
            proxy=None,
        ) as socket:
            await socket.send(json.dumps({"type": "ping"}))
            assert json.loads(await socket.recv()) == {"type": "pong"}
            with pytest.raises(ConnectionClosed):
                await socket.recv()
        await until(lambda: clients.under_way == {})

    assert socket.close_code == 4408
    assert socket.close_reason == (
        f"connectionInitSeconds: connection_init has not come for {SOON} seconds, and may take {SOON} at most"
    )


async def test_websocket_that_has_greeted_is_judged_however_long_that_takes(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    admit = house.doorkeeper.admit

    async def ponder(shown: str | None) -> Caller:
        await asyncio.sleep(3 * SOON)
        return await admit(shown)

    monkeypatch.setattr(house.doorkeeper, "admit", ponder)
    async with (
        served(house) as url,
        connect(
            url.replace("http", "ws", 1),
            subprotocols=[Subprotocol("graphql-transport-ws")],
            proxy=None,
        ) as socket,
    ):
        await socket.send(json.dumps({"type": "connection_init"}))
        assert json.loads(await socket.recv()) == {"type": "connection_ack"}


@pytest.mark.parametrize("sent", [b"", b"\r\n"], ids=["nothing", "line"])
async def test_connection_over_which_no_request_begins_is_closed(house: House, sent: bytes) -> None:
    with capture_logs() as logs:
        async with served(house) as url:
            assert await heard(url, sent) == b""

    assert logs == []


@pytest.mark.parametrize(
    "sent",
    [b"GET /graphql HTT", POSTED, POSTED + b'{"query": '],
    ids=["head", "body", "half a body"],
)
async def test_request_of_which_the_rest_does_not_come_is_told_how_long_it_may_take(
    house: House, sent: bytes
) -> None:
    with capture_logs() as logs:
        async with served(house) as url:
            answer = await heard(url, sent)

    head, _, body = answer.partition(b"\r\n\r\n")
    status, *headers = head.lower().split(b"\r\n")
    assert status.startswith(b"http/1.1 408 ")
    assert {b"content-type: application/json", b"connection: close"} < set(headers)
    [error] = json.loads(body)["errors"]
    [line] = logs
    assert error["extensions"]["code"] == "LIMIT"
    assert error["extensions"]["limit"] == {
        "name": "requestSeconds",
        "value": SOON,
        "bound": SOON,
    }
    assert (line["event"], line["client"]) == ("request_too_slow", "127.0.0.1")
    assert line["correlation_id"] == error["extensions"]["correlationId"]


@pytest.mark.parametrize(
    ("rest", "told"), [(b"\r\n", b""), (b"GET /li", b"HTTP/1.1 408 ")], ids=["line", "half"]
)
async def test_connection_over_which_no_further_request_comes_whole_is_closed(
    house: House, rest: bytes, told: bytes
) -> None:
    async with served(house) as url:
        where = urlsplit(url)
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        writer.write(ASKED)
        await reader.readuntil(b"}")
        writer.write(rest)
        async with asyncio.timeout(40):
            end = await reader.read()
        writer.close()

    assert end[:13] == told


async def test_what_is_waited_for_is_no_silence_of_the_client(house: House) -> None:
    """Nor is half of the next request, which is read once this one has been answered."""
    house.archive.keep(a_deliberation())
    async with served(house) as url:
        asked = asyncio.create_task(
            heard(url, b"GET %b HTTP/1.1\r\nhost: localhost\r\n\r\nGET /liv" % WAIT)
        )
        await until(lambda: bool(house.office.followers))
        await asyncio.sleep(3 * SOON)
        assert not asked.done()
        house.state.told_to_end.set()
        answer = await asked

    assert answer.startswith(b"HTTP/1.1 200 ")
