"""Floods of what is small: others have their turn between its pieces, and all of it is read in its order."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.typing import Subprotocol

from orchestrator.api.connections.piecemeal import MOST_PIECE_BYTES
from orchestrator.api.connections.websocket import MOST_FRAMES
from tests.integration.http.serving import served
from tests.support.samples import a_deliberation
from tests.support.waiting import until
from tests.unit.api.doubles import House

ALIVE = b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n"
LAST = ALIVE.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
WAIT = b"GET /graphql?query={deliberation(id:%22dlb_1%22,wait:60){id}} HTTP/1.1\r\nhost: localhost\r\n\r\n"
MANY = 5 * MOST_PIECE_BYTES // len(ALIVE)


def masked(opcode: Opcode, data: bytes = b"", *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=True)


@asynccontextmanager
async def raw(url: str) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    where = urlsplit(url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    try:
        async with asyncio.timeout(20):
            yield reader, writer
    finally:
        writer.transport.abort()


def opening(url: str) -> connect:
    return connect(
        url.replace("http", "ws", 1),
        subprotocols=[Subprotocol("graphql-transport-ws")],
        compression=None,
        proxy=None,
    )


async def closed(socket: ClientConnection) -> tuple[int | None, str | None]:
    async with asyncio.timeout(20):
        await socket.wait_closed()
    return socket.close_code, socket.close_reason


async def until_closed(socket: ClientConnection) -> AsyncGenerator[str | bytes]:
    try:
        while True:
            yield await socket.recv()
    except ConnectionClosed:
        return


def note_when_read(
    monkeypatch: pytest.MonkeyPatch, protocol: type[Any], note: Callable[[Any, bytes], None]
) -> None:
    read = protocol.data_received

    def noting(connection: Any, data: bytes) -> None:
        read(connection, data)
        note(connection, data)

    monkeypatch.setattr(protocol, "data_received", noting)


@asynccontextmanager
async def turns_counted() -> AsyncGenerator[Callable[[], int]]:
    turns = 0

    async def take() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    taking = asyncio.create_task(take())
    yield lambda: turns
    taking.cancel()


async def test_frames_that_come_together_are_read_in_pieces_with_turns_for_others_between(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: dict[int, int] = {}
    sent = masked(Opcode.PING) * MOST_PIECE_BYTES
    async with served(house) as url, opening(url) as socket, turns_counted() as turn:

        def note(_: object, data: bytes) -> None:
            read[turn()] = read.get(turn(), 0) + len(data)

        note_when_read(monkeypatch, WebSocketsSansIOProtocol, note)
        socket.transport.write(sent)
        await until(lambda: sum(read.values()) >= len(sent))

    # The end of what came at once, and the begin of what came next, may have one turn.
    assert max(read.values()) < 2 * MOST_PIECE_BYTES


async def test_requests_that_come_together_are_read_in_pieces_and_no_more_while_some_wait(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 0

    def note(connection: HttpToolsProtocol, _: bytes) -> None:
        nonlocal most
        most = max(most, len(connection.pipeline))

    note_when_read(monkeypatch, HttpToolsProtocol, note)
    async with served(house) as url, raw(url) as (reader, writer):
        writer.write(ALIVE * MANY + LAST)
        await reader.read()

    assert most <= MOST_PIECE_BYTES // len(ALIVE) + 1


async def test_requests_that_come_together_are_all_answered(house: House) -> None:
    async with served(house) as url, raw(url) as (reader, writer):
        writer.write(ALIVE * MANY + LAST)
        answer = await reader.read()

    assert answer.count(b"HTTP/1.1 200 ") == MANY + 1


async def test_frames_that_come_together_are_all_read_in_their_order(house: House) -> None:
    pings = 2 * MOST_PIECE_BYTES // 20
    message = masked(Opcode.TEXT, json.dumps({"type": "ping"}).encode())
    async with served(house) as url, opening(url) as socket:
        socket.transport.write(message * pings + masked(Opcode.TEXT, b"no JSON") + message)
        heard = [json.loads(answer) async for answer in until_closed(socket)]
        end = await closed(socket)

    assert heard == [{"type": "pong"}] * pings
    assert end[0] == 4400


async def test_client_that_hangs_up_while_what_he_sent_waits_is_no_fault(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.archive.keep(a_deliberation())
    async with served(house) as url:
        async with raw(url) as (_, writer):
            writer.write(WAIT + ALIVE * MANY)
            await until(lambda: bool(house.office.followers))
        async with raw(url) as (reader, writer):
            writer.write(LAST)
            await reader.read()
        house.state.told_to_end.set()

    assert [record for record in caplog.records if record.exc_info] == []


@pytest.mark.parametrize("between", [b"", masked(Opcode.PING)], ids=["alone", "among pings"])
async def test_message_of_too_many_frames_is_told_the_bound(house: House, between: bytes) -> None:
    more = masked(Opcode.CONT, fin=False) + between
    async with served(house) as url, opening(url) as socket:
        socket.transport.write(masked(Opcode.TEXT, fin=False) + more * (2 * MOST_FRAMES))
        end = await closed(socket)

    assert end == (
        1009,
        f"a message has {MOST_FRAMES + 1} frames or more, and may have {MOST_FRAMES} at most",
    )


async def test_message_of_as_many_frames_as_it_may_have_is_read(house: House) -> None:
    message = json.dumps({"type": "ping"}).encode()
    rest = masked(Opcode.CONT, fin=False) * (MOST_FRAMES - 2) + masked(Opcode.CONT)
    async with served(house) as url, opening(url) as socket:
        socket.transport.write(masked(Opcode.TEXT, message, fin=False) + rest)
        async with asyncio.timeout(20):
            answer = json.loads(await socket.recv())

    assert answer == {"type": "pong"}
