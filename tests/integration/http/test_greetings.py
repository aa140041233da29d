"""What comes over a WebSocket before it is known whose it is: little, and nobody waits for it."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from orchestrator.api.body import MOST_GREETING_BYTES
from orchestrator.api.visits import Visit
from tests.integration.http.serving import served
from tests.unit.api.doubles import House


def opening(url: str, compression: str | None = "deflate") -> connect:
    return connect(
        url.replace("http", "ws", 1),
        subprotocols=[Subprotocol("graphql-transport-ws")],
        compression=compression,
        proxy=None,
    )


async def greet(socket: ClientConnection, **payload: str) -> None:
    await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
    assert json.loads(await socket.recv()) == {"type": "connection_ack"}


def a_long_ping(length: int) -> str:
    return json.dumps({"type": "ping", "payload": {"x": "y" * length}})


@pytest.mark.parametrize("compression", [None, "deflate"])
async def test_long_message_before_its_caller_is_known_is_not_read(
    house: House, compression: str | None
) -> None:
    async with served(house) as url, opening(url, compression) as socket:
        with suppress(ConnectionClosed):
            await socket.send(a_long_ping(MOST_GREETING_BYTES))
        await socket.wait_closed()

    assert socket.close_code == 1009
    assert f"exceeds limit of {MOST_GREETING_BYTES} bytes" in str(socket.close_reason)


async def test_long_message_of_a_caller_who_was_let_in_is_read(house: House) -> None:
    async with served(house) as url, opening(url) as socket:
        await greet(socket)
        await socket.send(a_long_ping(MOST_GREETING_BYTES))
        assert json.loads(await socket.recv()) == {"type": "pong"}


async def test_long_token_fits_into_what_shows_who_calls(house: House) -> None:
    async with served(house) as url, opening(url) as socket:
        await greet(socket, authorization="x" * (MOST_GREETING_BYTES - 1024))


async def test_others_have_a_turn_between_two_messages_that_came_together(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = 0
    handled: list[int] = []

    async def taking_turns() -> None:
        nonlocal turns
        while len(handled) < 20:
            turns += 1
            await asyncio.sleep(0)

    async def handle_ping(_visit: Visit, _message: object) -> None:
        handled.append(turns)

    monkeypatch.setattr(Visit, "handle_ping", handle_ping)
    async with served(house) as url, opening(url, None) as socket:
        taking = asyncio.create_task(taking_turns())
        for _ in range(20):
            # Written, and sent together once this has waited.
            socket.protocol.send_text(b'{"type": "ping"}')
        socket.transport.write(b"".join(socket.protocol.data_to_send()))
        async with asyncio.timeout(10):
            await taking

    assert len(set(handled)) == len(handled)
