"""What is no request at all, or no handshake: told in the form of all errors, and no fault of the service."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from structlog.testing import capture_logs

from tests.integration.http.limits import assert_told_and_logged
from tests.integration.http.serving import served
from tests.support.samples import a_deliberation
from tests.unit.api.doubles import House

HOST = "host: localhost\r\n"
POST = f"POST /graphql HTTP/1.1\r\n{HOST}content-type: application/json\r\n"
HANDSHAKE = f"GET /graphql HTTP/1.1\r\n{HOST}upgrade: websocket\r\nconnection: upgrade\r\n"
KEY = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
VERSION = "sec-websocket-version: 13\r\n"


async def answered(url: str, sent: str) -> bytes:
    """What comes back until the connection is closed."""
    where = urlsplit(url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    writer.write(sent.encode("latin-1"))
    try:
        async with asyncio.timeout(10):
            return await reader.read()
    finally:
        writer.close()


def error_in(answer: bytes) -> tuple[int, dict[str, Any]]:
    """The status and the one error of an answer that is JSON."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *headers = head.lower().split(b"\r\n")
    assert {b"content-type: application/json", b"connection: close"} < set(headers)
    [error] = json.loads(body)["errors"]
    assert error["extensions"]["correlationId"]
    return int(status.split()[1]), error


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        ("hello\r\n\r\n", ": Invalid method encountered"),
        (f"GET / HTTP/1.1\r\n{HOST}na me: x\r\n\r\n", ": Invalid header token"),
        (f"GET / HTTP/1.1\r\n{HOST}name: x\0y\r\n\r\n", ": Invalid header value char"),
        (f"GET /\xff HTTP/1.1\r\n{HOST}\r\n", ": Invalid char in url path"),
        (f"GET http://[ HTTP/1.1\r\n{HOST}\r\n", ""),
        (
            f"{POST}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n",
            ": Transfer-Encoding can't be present with Content-Length",
        ),
        (
            f"{POST}transfer-encoding: chunked\r\n\r\nzz\r\n",
            ": Invalid character in chunk size",
        ),
    ],
    ids=["method", "name", "value", "path", "address", "lengths", "chunk"],
)
async def test_what_is_no_http_is_refused_as_json(
    house: House, sent: str, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(house) as url:
        status, error = error_in(await answered(url, sent))

    assert status == 400
    assert error["message"] == f"what was sent is no HTTP/1.1 that can be read{why}"
    assert (error["extensions"]["code"], error["extensions"]["path"]) == ("INVALID_INPUT", [])
    assert [record for record in caplog.records if record.exc_info] == []


@pytest.mark.parametrize(
    ("sent", "status", "code", "why"),
    [
        (f"{HANDSHAKE}{VERSION}\r\n", 400, "INVALID_INPUT", "missing Sec-WebSocket-Key header."),
        (
            f"{HANDSHAKE}{KEY}{VERSION.replace('13', '8')}\r\n",
            400,
            "INVALID_INPUT",
            "invalid Sec-WebSocket-Version header: 8.",
        ),
    ],
    ids=["key", "version"],
)
async def test_handshake_that_is_none_is_refused_as_json(
    house: House, sent: str, status: int, code: str, why: str
) -> None:
    async with served(house) as url:
        refused, error = error_in(await answered(url, sent))

    assert (refused, error["extensions"]["code"]) == (status, code)
    assert error["message"] == f"Failed to open a WebSocket connection: {why}"


@pytest.mark.parametrize("path", ["/", "/graphql/", "/readyz", "/graphiql/graphiql.js"])
async def test_handshake_at_a_path_that_is_none_is_told_where_the_api_is(
    house: House, path: str
) -> None:
    sent = HANDSHAKE.replace("/graphql", path) + f"{KEY}{VERSION}\r\n"
    async with served(house) as url:
        refused, error = error_in(await answered(url, sent))

    assert (refused, error["extensions"]["code"]) == (404, "NOT_FOUND")
    assert error["message"].startswith("there is nothing at this path: the API is at /graphql")


@pytest.mark.parametrize(
    ("sent", "status", "name", "bound"),
    [
        (
            f"{HANDSHAKE}{KEY}{VERSION}cookie: {'x' * 8183}\r\n\r\n",
            431,
            "handshakeLineBytes",
            8192,
        ),
        (
            HANDSHAKE.replace("/graphql", f"/graphql?x={'x' * 8192}") + f"{KEY}{VERSION}\r\n",
            414,
            "handshakeLineBytes",
            8192,
        ),
        (HANDSHAKE + KEY + VERSION + "x: y\r\n" * 128 + "\r\n", 431, "handshakeHeaders", 128),
    ],
    ids=["header", "address", "headers"],
)
async def test_handshake_that_is_too_large_is_told_the_bound(
    house: House, sent: str, status: int, name: str, bound: int
) -> None:
    with capture_logs() as logs:
        async with served(house) as url:
            refused, error = error_in(await answered(url, sent))

    assert refused == status
    assert_told_and_logged(error, logs, name=name, bound=bound)


async def test_handshake_that_is_as_large_as_it_may_be_opens_a_websocket(house: House) -> None:
    head = f"{HANDSHAKE}sec-websocket-protocol: graphql-transport-ws\r\n{KEY}{VERSION}"
    most = f"{head}cookie: {'x' * (8192 - len('cookie: ') - 2)}\r\n"
    more = "x: y\r\n" * (128 - most.count("\r\n") + 1)
    async with served(house) as url:
        where = urlsplit(url)
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        writer.write(f"{most}{more}\r\n".encode())
        async with asyncio.timeout(10):
            assert (await reader.readline()).startswith(b"HTTP/1.1 101 ")
        writer.close()


async def test_what_is_no_http_is_not_taken_for_the_answer_to_what_came_before_it(
    house: House,
) -> None:
    house.archive.keep(a_deliberation())
    query = quote('{ deliberation(id: "dlb_1", wait: 60) { id } }')
    waits = f"GET /graphql?query={query} HTTP/1.1\r\n{HOST}\r\n"
    async with served(house) as url:
        assert await answered(url, f"{waits}hello\r\n\r\n") == b""


async def test_request_that_breaks_off_is_no_fault_of_the_service(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(house) as url:
        where = urlsplit(url)
        _, writer = await asyncio.open_connection(where.hostname, where.port)
        writer.write(f"{POST}content-length: 100\r\n\r\nhalf".encode())
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.close()
        await answered(url, f"GET /livez HTTP/1.1\r\n{HOST}connection: close\r\n\r\n")

    assert [record for record in caplog.records if record.exc_info] == []
