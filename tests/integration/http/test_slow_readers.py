"""Those who do not read what they asked for: they cost what is in a buffer, and not for long."""

from __future__ import annotations

import asyncio
import json
import socket as sockets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
import pytest
from structlog.testing import capture_logs
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.frames import Close, Frame, Opcode
from websockets.typing import Subprotocol

from orchestrator.api.address import bind
from orchestrator.api.app import build_app
from orchestrator.api.listening import listening
from orchestrator.domain.values import replace
from orchestrator.engine.following import Board
from tests.integration.http.serving import served
from tests.support.samples import a_deliberation, play
from tests.support.waiting import until
from tests.unit.api.doubles import House

FOLLOW = 'subscription { deliberationEvents(id: "dlb_1") { sequence ... on TurnTaken { turn { content } } } }'
EVENTS = 9
"""A claim, and a turn each."""

PROTOCOL = Subprotocol("graphql-transport-ws")
OPENING = b"".join(
    b"%b\r\n" % line
    for line in (
        b"GET /graphql HTTP/1.1",
        b"host: localhost",
        b"upgrade: websocket",
        b"connection: upgrade",
        b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
        b"sec-websocket-version: 13",
        b"sec-websocket-protocol: %b" % PROTOCOL.encode(),
        b"",
    )
)


@pytest.fixture
def board(house: House) -> Board:
    """Who follows what: a deliberation whose turns are longer than all buffers on the way."""
    board = Board()
    house.office.follow = board.follow
    running, transcript = play(a_deliberation(), turns=EVENTS - 1)
    long = tuple(replace(turn, content="x" * 6_000_000) for turn in transcript.turns)
    house.archive.keep(running, replace(transcript, turns=long))
    return board


@asynccontextmanager
async def subscribed(url: str) -> AsyncGenerator[ClientConnection]:
    """Follow over a WebSocket that holds one message, and takes the next when that was read."""
    async with connect(
        url.replace("http", "ws", 1),
        subprotocols=[PROTOCOL],
        max_queue=1,
        max_size=None,
        compression=None,
        ping_interval=None,
        close_timeout=0.1,
    ) as socket:
        await socket.send('{"type": "connection_init"}')
        await socket.recv()
        subscribe = {"id": "1", "type": "subscribe", "payload": {"query": FOLLOW}}
        await socket.send(json.dumps(subscribe))
        yield socket


async def rest(socket: ClientConnection, told: list[str | bytes]) -> Close | None:
    """Read until the connection is closed; return how, none where it was cut."""
    try:
        while True:
            told.append(await socket.recv())
    except ConnectionClosed as closed:
        return closed.rcvd


async def test_slow_reader_is_let_go_of_and_may_still_read_why(
    house: House, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.api.connections.patient._PATIENCE_SECONDS", 0.2)
    told: list[str | bytes] = []
    async with served(house) as url, subscribed(url) as socket:
        with capture_logs() as log:
            await until(lambda: bool(board.all_followed()))
            # Whatever was held for him is gone while he has read nothing yet.
            await until(lambda: not board.all_followed())
        closed = await rest(socket, told)

    # What was in the buffers, and not all that there is.
    assert 0 < len(told) < EVENTS
    assert closed is not None
    assert (closed.code, closed.reason) == (1013, "too slow: what was sent lay unread for 0.2 s")
    assert [line["event"] for line in log] == ["reader_too_slow"]


async def test_reader_who_never_reads_is_cut_off(
    house: House, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.api.connections.patient._PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr("orchestrator.api.connections.websocket._FAREWELL_SECONDS", 0.1)
    async with served(house) as url, subscribed(url) as socket:
        await until(lambda: bool(board.all_followed()))
        await until(lambda: not board.all_followed())
        await asyncio.sleep(0.3)
        closed = await rest(socket, [])

    assert closed is None


async def test_reader_who_takes_his_time_is_told_everything(
    house: House, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    patience = 1.5
    monkeypatch.setattr("orchestrator.api.connections.patient._PATIENCE_SECONDS", patience)
    told: list[int] = []
    async with served(house) as url, subscribed(url) as socket:
        while len(told) < EVENTS:
            # None of them takes too long, but all together do.
            await asyncio.sleep(1.5 * patience / EVENTS)
            message = json.loads(await socket.recv())
            told.append(message["payload"]["data"]["deliberationEvents"]["sequence"])
        assert board.all_followed()

    assert told == list(range(1, EVENTS + 1))


async def test_reader_of_events_over_http_who_never_reads_is_cut_off(
    house: House, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.api.connections.patient._PATIENCE_SECONDS", 0.1)
    async with (
        served(house) as url,
        httpx.AsyncClient(headers={"accept": "text/event-stream"}) as client,
        client.stream("POST", url, json={"query": FOLLOW}) as response,
    ):
        await until(lambda: bool(board.all_followed()))
        await until(lambda: not board.all_followed())
        with pytest.raises(httpx.RemoteProtocolError):
            async for _ in response.aiter_bytes():
                pass


async def test_only_the_last_pings_of_a_client_who_does_not_read_are_answered(house: House) -> None:
    listener = bind("127.0.0.1", 0)
    client = sockets.socket()
    # As little as can be is held on the way, also of what the service accepts.
    listener.setsockopt(sockets.SOL_SOCKET, sockets.SO_SNDBUF, 4096)
    client.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    pings, answers = (
        Frame(opcode, b"x" * 125).serialize(mask=mask) * 10_000
        for opcode, mask in ((Opcode.PING, True), (Opcode.PONG, False))
    )
    last = Frame(Opcode.PONG, b"last").serialize(mask=False)
    async with listening(build_app(house.ports()), listener), asyncio.timeout(20):
        client.connect(listener.getsockname())
        # It takes in little more than that before it is asked to read.
        reader, writer = await asyncio.open_connection(sock=client, limit=1024)
        writer.write(OPENING)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(pings + Frame(Opcode.PING, b"last").serialize(mask=True))
        await writer.drain()
        told = b""
        while not told.endswith(last):
            told += await reader.read(1 << 16)
        writer.close()

    assert len(told) < len(answers)


async def test_pings_after_the_end_was_told_are_not_answered(house: House) -> None:
    """Nobody bounds them: who does not read is no longer let go of once he was."""
    listener = bind("127.0.0.1", 0)
    async with listening(build_app(house.ports()), listener), asyncio.timeout(20):
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(OPENING)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(Frame(Opcode.TEXT, b'{"type": "nonsense"}').serialize(mask=True))
        opcode, length = await reader.readexactly(2)
        farewell = await reader.readexactly(length)
        for opened in (Opcode.PING, Opcode.PING, Opcode.CLOSE):
            writer.write(Frame(opened, farewell[:2]).serialize(mask=True))
        rest = await reader.read()
        writer.close()

    assert opcode & 0x0F == Opcode.CLOSE
    assert rest == b""
