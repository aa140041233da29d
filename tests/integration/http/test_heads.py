"""The address and the headers of a request: nobody can have a process keep as many as he likes."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from urllib.parse import urlsplit

import httpx
import pytest
from structlog.testing import capture_logs

from orchestrator.api.connections import piecemeal
from orchestrator.api.connections.http import MOST_HEAD_BYTES
from tests.integration.http.limits import assert_told_and_logged
from tests.integration.http.serving import served
from tests.unit.api.doubles import House

ENOUGH = 100 * MOST_HEAD_BYTES


async def taken(url: str, begin: bytes) -> int:
    """Send a head that never ends, and say how many bytes of it were taken."""
    where = urlsplit(url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    writer.write(begin)
    sent = 0
    with suppress(ConnectionError):
        async with asyncio.timeout(10):
            while sent < ENOUGH and not reader.at_eof():
                writer.write(b"x" * 4096)
                await writer.drain()
                sent += 4096
                await asyncio.sleep(0)
    writer.transport.abort()
    return sent


@pytest.mark.parametrize(
    "begin",
    [b"GET /graphql?query=", b"GET /graphql HTTP/1.1\r\nhost: localhost\r\nx-long: "],
    ids=["address", "header"],
)
async def test_head_that_never_ends_is_let_go_of(
    house: House, monkeypatch: pytest.MonkeyPatch, begin: bytes
) -> None:
    monkeypatch.setattr(piecemeal, "_LINGER_SECONDS", 0)
    async with served(house) as url:
        assert await taken(url, begin) < ENOUGH


async def test_head_that_is_too_long_is_told_the_bound(house: House) -> None:
    with capture_logs() as logs:
        async with served(house) as url:
            where = urlsplit(url)
            reader, writer = await asyncio.open_connection(where.hostname, where.port)
            writer.write(b"GET /graphql HTTP/1.1\r\nhost: localhost\r\nx-long: ")
            await writer.drain()
            await asyncio.sleep(0.1)
            writer.write(b"x" * (MOST_HEAD_BYTES + 1))
            await writer.drain()
            async with asyncio.timeout(10):
                answer = await reader.read()
            writer.close()

    head, _, body = answer.partition(b"\r\n\r\n")
    status, *headers = head.lower().split(b"\r\n")
    assert status.startswith(b"http/1.1 431 ")
    assert {b"content-type: application/json", b"connection: close"} < set(headers)
    [error] = json.loads(body)["errors"]
    assert_told_and_logged(error, logs, name="headBytes", bound=MOST_HEAD_BYTES)


@pytest.mark.parametrize(
    ("address", "header"),
    [(MOST_HEAD_BYTES, 1), (1, MOST_HEAD_BYTES)],
    ids=["address", "header"],
)
async def test_head_that_is_too_long_is_told_the_bound_where_it_comes_whole(
    house: House, address: int, header: int
) -> None:
    with capture_logs() as logs:
        async with served(house) as url:
            where = urlsplit(url)
            reader, writer = await asyncio.open_connection(where.hostname, where.port)
            writer.write(
                b"GET /graphql?query={__typename}&x=%b HTTP/1.1\r\nhost: localhost\r\nx-long: %b\r\n\r\n"
                % (b"x" * address, b"y" * header)
            )
            async with asyncio.timeout(10):
                answer = await reader.read()
            writer.close()

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 431 ")
    [error] = json.loads(body)["errors"]
    assert_told_and_logged(error, logs, name="headBytes", bound=MOST_HEAD_BYTES)


@pytest.mark.parametrize("pieces", [1, 2])
async def test_body_that_comes_with_its_head_is_no_part_of_it(house: House, pieces: int) -> None:
    body = json.dumps({"query": "{ __typename }", "variables": {"x": "y" * 3 * MOST_HEAD_BYTES}})
    head = f"POST /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
    begin, rest = (head, f"\r\n{body}") if pieces == 2 else ("", f"{head}\r\n{body}")
    async with served(house) as url:
        where = urlsplit(url)
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        writer.write(begin.encode())
        await asyncio.sleep(0.1)
        writer.write(rest.encode())
        async with asyncio.timeout(10):
            answer = await reader.read()
        writer.close()

    assert answer.startswith(b"HTTP/1.1 200 ")


async def test_long_bodies_and_many_requests_of_one_connection_are_no_head(house: House) -> None:
    async with served(house) as url, httpx.AsyncClient() as client:
        for _ in range(40):
            response = await client.post(
                url,
                json={"query": "{ service { version } }", "variables": {"x": "y" * 8192}},
                headers={"x-some": "z" * 2048},
            )

            assert response.json()["data"] == {"service": {"version": "1.2.3"}}
