"""The body of a request: how it is written, and that nobody can have a process keep as much as he likes."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from orchestrator.api.body import MOST_BYTES
from tests.integration.http.limits import assert_told_and_logged
from tests.integration.http.serving import served
from tests.support.samples import a_deliberation, play
from tests.support.waiting import until
from tests.unit.api.doubles import House

JSON = {"content-type": "application/json"}


async def in_pieces() -> AsyncGenerator[bytes]:
    for _ in range(5):
        yield b" " * (MOST_BYTES // 4)


@pytest.mark.parametrize("content", [b" " * (MOST_BYTES + 1), in_pieces], ids=["said", "counted"])
async def test_body_that_is_too_long_is_told_the_bound(house: House, content: Any) -> None:
    with capture_logs() as logs:
        async with served(house) as url, httpx.AsyncClient(trust_env=False) as client:
            response = await client.post(
                url, content=content if isinstance(content, bytes) else content(), headers=JSON
            )

    assert response.status_code == 413
    [error] = response.json()["errors"]
    assert_told_and_logged(error, logs, name="bodyBytes", bound=MOST_BYTES)


@pytest.mark.parametrize(
    ("compression", "told"),
    [
        (None, f"frame with {MOST_BYTES + 1} bytes exceeds limit of {MOST_BYTES} bytes"),
        # Where it is cut short nobody knows how long it would have become.
        ("deflate", f"frame exceeds limit of {MOST_BYTES} bytes"),
    ],
)
async def test_message_of_a_websocket_that_is_too_long_is_told_the_bound(
    house: House, compression: str | None, told: str
) -> None:
    async with (
        served(house) as url,
        connect(
            url.replace("http", "ws", 1),
            subprotocols=[Subprotocol("graphql-transport-ws")],
            compression=compression,
            proxy=None,
        ) as socket,
    ):
        await socket.send('{"type": "connection_init"}')
        await socket.recv()
        with suppress(ConnectionClosed):
            await socket.send(" " * (MOST_BYTES + 1))
        await socket.wait_closed()

    assert (socket.close_code, socket.close_reason) == (1009, told)


@asynccontextmanager
async def sent_on_and_on(url: str, query: str, accept: str) -> AsyncGenerator[asyncio.Task[str]]:
    """Ask with a body that is longer than one may be; the block is entered once all of it was sent."""
    sent = 0

    async def on_and_on() -> AsyncGenerator[bytes]:
        nonlocal sent
        while sent < 2 * MOST_BYTES:
            yield b" " * 65536
            sent += 65536

    async def asked() -> str:
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
            response = await client.request(
                "GET",
                url,
                params={"query": query},
                content=on_and_on(),
                headers={"accept": accept},
            )
        return response.text

    asking = asyncio.create_task(asked())
    await until(lambda: sent >= 2 * MOST_BYTES)
    yield asking
    asking.cancel()
    await asyncio.wait([asking])


async def test_who_waits_waits_on_whatever_body_comes_with_his_query(house: House) -> None:
    house.archive.keep(a_deliberation())
    query = '{ deliberation(id: "dlb_1", wait: 60) { status } }'
    async with served(house) as url, sent_on_and_on(url, query, "*/*") as asking:
        house.archive.keep(*play(a_deliberation()))
        house.state.told_to_end.set()
        answer = json.loads(await asking)

    assert answer["data"] == {"deliberation": {"status": "DECIDED"}}


async def test_who_follows_follows_on_whatever_body_comes_with_his_subscription(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.archive.keep(a_deliberation())
    query = 'subscription { deliberationEvents(id: "dlb_1") { sequence } }'
    async with served(house) as url, sent_on_and_on(url, query, "text/event-stream") as asking:
        await until(lambda: bool(house.office.followers) or asking.done())

    assert caplog.records == []


BODY = b'{"query": "{ service { version } }"}'
POST = {"accept-post": "application/json"}
UTF_8 = {"accept-post": "application/json; charset=utf-8"}
IDENTITY = {"accept-encoding": "identity"}


async def sent(house: House, content: bytes, headers: dict[str, str]) -> httpx.Response:
    async with served(house) as url, httpx.AsyncClient(trust_env=False) as client:
        return await client.post(url, content=content, headers=headers)


@pytest.mark.parametrize(
    "headers",
    [
        JSON,
        {"content-type": "Application/JSON"},
        {"content-type": "application/json; charset=utf-8"},
        {"content-type": 'application/json;charset="UTF-8"; x=y'},
        {"content-type": "application/json; charset=us-ascii"},
        JSON | {"content-encoding": "Identity"},
    ],
    ids=str,
)
async def test_json_in_utf_8_is_read(house: House, headers: dict[str, str]) -> None:
    response = await sent(house, BODY, headers)

    assert response.json()["data"] == {"service": {"version": "1.2.3"}}


@pytest.mark.parametrize(
    ("content", "headers", "right", "told"),
    [
        (
            gzip.compress(BODY, mtime=0),
            JSON | {"content-encoding": "gzip"},
            "Content-Encoding",
            IDENTITY,
        ),
        (BODY, JSON | {"content-encoding": "br, identity"}, "Content-Encoding", IDENTITY),
        (BODY, {"content-type": "application/json; charset=latin-1"}, "UTF-8", UTF_8),
        (
            BODY.decode().encode("utf-16"),
            {"content-type": 'application/json; x=y; Charset="utf-16"'},
            "UTF-8",
            UTF_8,
        ),
        (BODY, {"content-type": "application/json; charset="}, "UTF-8", UTF_8),
        (
            b"query=x",
            {"content-type": "application/x-www-form-urlencoded"},
            "application/json",
            POST,
        ),
        (BODY, {"content-type": "text/plain"}, "application/json", POST),
        (
            BODY,
            {"content-type": "text/plain; charset=application/json"},
            "application/json",
            POST,
        ),
        (BODY, {"content-type": "text/application/json"}, "application/json", POST),
        (BODY, {"content-type": "multipart/form-data; boundary=x"}, "application/json", POST),
        (BODY, {"content-type": ""}, "application/json", POST),
        (BODY, {}, "application/json", POST),
    ],
)
async def test_body_that_is_written_in_another_way_is_refused_with_what_would_be_right(
    house: House, content: bytes, headers: dict[str, str], right: str, told: dict[str, str]
) -> None:
    response = await sent(house, content, headers)

    assert response.status_code == 415
    assert told.items() <= dict(response.headers).items()
    [error] = response.json()["errors"]
    assert right in error["message"]
    assert (error["extensions"]["code"], error["extensions"]["path"]) == ("INVALID_INPUT", [])


@pytest.mark.parametrize(
    "content",
    [
        BODY.decode().encode("utf-16"),
        BODY.decode().encode("utf-32"),
        b'{"query": "{ service { version } } #\xed\xa0\x80"}',
    ],
    ids=["UTF-16", "UTF-32", "a surrogate"],
)
async def test_body_in_other_than_utf_8_that_does_not_say_so_is_no_json(
    house: House, content: bytes
) -> None:
    response = await sent(house, content, JSON)

    assert response.status_code == 400
    [error] = response.json()["errors"]
    assert error["extensions"]["code"] == "INVALID_INPUT"
