"""Who is closed while he is still sending can read why, and is cut if he does not end."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from websockets.frames import Frame, Opcode

from orchestrator.api.body import MOST_BYTES
from orchestrator.api.connections import piecemeal
from orchestrator.api.connections.websocket import MOST_FRAMES
from tests.integration.http.serving import served
from tests.unit.api.doubles import House

MUCH = 16 * 1024 * 1024
"""More than all buffers between two programs hold."""

HEAD = b"GET /livez HTTP/1.1\r\nhost: localhost\r\nx-long: "
BODY = b"POST /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
UPGRADE = b"GET /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\nsec-websocket-protocol: graphql-transport-ws\r\n\r\n"


def frame(opcode: Opcode, data: bytes, *, fin: bool) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=True)


@pytest.mark.parametrize(
    ("begin", "more", "told"),
    [
        (HEAD, b"x", b"HTTP/1.1 431 "),
        (BODY % MUCH, b" ", b"may have %d at most" % MOST_BYTES),
    ],
    ids=["head", "body"],
)
async def test_request_that_is_refused_before_all_of_it_has_come_is_told_why(
    house: House, begin: bytes, more: bytes, told: bytes
) -> None:
    async with served(house) as url, asyncio.timeout(20):
        where = urlsplit(url)
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        writer.write(begin + more * MUCH)
        await writer.drain()
        answer = await reader.read()
        writer.close()

    assert told in answer


@pytest.mark.parametrize(
    ("begin", "more", "told"),
    [
        (
            frame(Opcode.TEXT, b"", fin=False),
            frame(Opcode.CONT, b"", fin=False),
            b"may have %d at most" % MOST_FRAMES,
        ),
        (
            frame(Opcode.TEXT, b"\xff", fin=True),
            frame(Opcode.PING, b"", fin=True),
            b"must be UTF-8",
        ),
        (b"\xff", b"x", b"invalid opcode"),
    ],
    ids=["too many frames", "no text", "no frame"],
)
async def test_websocket_that_is_closed_before_all_that_was_sent_is_read_is_told_why(
    house: House, begin: bytes, more: bytes, told: bytes
) -> None:
    async with served(house) as url, asyncio.timeout(20):
        where = urlsplit(url)
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        writer.write(UPGRADE)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(begin + more * (MUCH // len(more)))
        await writer.drain()
        answer = await reader.read()
        writer.close()

    assert told in answer


async def test_client_that_goes_on_sending_after_it_was_closed_is_cut(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(piecemeal, "_LINGER_SECONDS", 1)
    async with served(house) as url:
        where = urlsplit(url)
        _, writer = await asyncio.open_connection(where.hostname, where.port)
        writer.write(HEAD)
        with suppress(ConnectionError):
            async with asyncio.timeout(20):
                while True:
                    writer.write(b"x" * 4096)
                    await writer.drain()

    assert writer.is_closing()
