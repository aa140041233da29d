"""What of a request is neither head nor body: nobody can have a process keep, or read, as much of it as he likes."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from structlog.testing import capture_logs

from orchestrator.api.connections import piecemeal
from orchestrator.api.connections.http import MOST_HEAD_BYTES, PatientHttp
from tests.integration.http.limits import assert_told_and_logged
from tests.integration.http.serving import served
from tests.unit.api.doubles import House

ENOUGH = 100 * MOST_HEAD_BYTES
HEAD = b"POST /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
BODY = b'{"query": "{ service { version } }"}'
CHUNK = b"%x\r\n%b\r\n" % (len(BODY), BODY)


async def heard(url: str, *sent: bytes) -> bytes:
    """Send these one after another, and return what comes until the connection is closed."""
    where = urlsplit(url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    for piece in sent:
        writer.write(piece)
        await asyncio.sleep(0.1)
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize(
    ("begin", "more"),
    [
        (HEAD + CHUNK + b"0\r\n", b"a:\r\n"),
        (HEAD + CHUNK + b"0\r\nx-long: ", b"x"),
        (HEAD + CHUNK + b"1;", b"x"),
        (b"", b"\r\n"),
    ],
    ids=["trailers", "a trailer", "an extension of a chunk", "empty lines"],
)
async def test_what_only_frames_and_never_ends_is_let_go_of(
    house: House, monkeypatch: pytest.MonkeyPatch, begin: bytes, more: bytes
) -> None:
    monkeypatch.setattr(piecemeal, "_LINGER_SECONDS", 0)
    sent = 0
    async with served(house) as url:
        where = urlsplit(url)
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        writer.write(begin)
        with suppress(ConnectionError):
            async with asyncio.timeout(10):
                while sent < ENOUGH and not reader.at_eof():
                    writer.write(more * (4096 // len(more)))
                    await writer.drain()
                    sent += 4096
                    await asyncio.sleep(0)
        writer.transport.abort()

    assert sent < ENOUGH


async def test_trailers_that_are_too_long_are_told_the_bound(house: House) -> None:
    with capture_logs() as logs:
        async with served(house) as url:
            answer = await heard(url, HEAD + CHUNK + b"0\r\na: ", b"x" * (MOST_HEAD_BYTES + 1))

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 431 ")
    [error] = json.loads(body)["errors"]
    assert_told_and_logged(error, logs, name="framingBytes", bound=MOST_HEAD_BYTES)


async def test_trailers_are_not_kept(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[bytes] = []
    complete = PatientHttp.on_message_complete

    def noting(protocol: PatientHttp) -> None:
        kept.extend(name for name, _ in protocol.headers)
        complete(protocol)

    monkeypatch.setattr(PatientHttp, "on_message_complete", noting)
    async with served(house) as url:
        answer = await heard(url, HEAD + CHUNK + b"0\r\nx-trailer: y\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert kept == [b"host", b"connection", b"content-type", b"transfer-encoding"]


async def test_body_in_chunks_of_a_byte_each_is_read_however_much_frames_it(house: House) -> None:
    body = BODY + b" " * MOST_HEAD_BYTES
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body)
    async with served(house) as url:
        answer = await heard(url, HEAD, chunks, b"0\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 200 ")
