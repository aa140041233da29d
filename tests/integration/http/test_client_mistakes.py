"""What a client does wrong over a WebSocket: it is told, and the log takes it for no fault of the service."""

from __future__ import annotations

import json

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from orchestrator.domain.callers import Scope
from orchestrator.identity import tokens
from orchestrator.identity.keeping import Kept
from orchestrator.identity.means import Means
from tests.integration.http.serving import served
from tests.integration.http.test_crowding import (
    ACKNOWLEDGED,
    FOLLOW,
    greeted,
    heard,
    subscribe,
)
from tests.support.samples import a_deliberation
from tests.support.waiting import until
from tests.unit.api.doubles import House

LOOK_UP = '{ deliberation(id: "dlb_1") { id } }'


def send_at_once(socket: ClientConnection, *texts: bytes) -> None:
    """Send messages so that they arrive together."""
    for text in texts:
        socket.protocol.send_text(text)
    socket.transport.write(b"".join(socket.protocol.data_to_send()))


async def test_id_that_is_used_twice_closes_the_connection_and_what_goes_on_over_it_is_no_fault(
    caplog: pytest.LogCaptureFixture,
) -> None:
    token, entry = tokens.create("ada", Scope.READ, None)
    house = House(means=Means(kept=Kept(str(entry), None)))
    house.archive.keep(a_deliberation())
    # The query is under way while the connection is closed for what comes after it: to look something up takes it turns.
    asked = [
        {"type": "subscribe", "id": "2", "payload": {"query": LOOK_UP}},
        {"type": "subscribe", "id": "1", "payload": {"query": FOLLOW}},
    ]
    async with served(house) as url, greeted(url, token) as socket:
        assert await heard(socket) == ACKNOWLEDGED
        await subscribe(socket, "1")
        await until(lambda: bool(house.office.followers))
        send_at_once(socket, *(json.dumps(message).encode() for message in asked))
        closed = await heard(socket)

    assert closed == (4409, "Subscriber for 1 already exists")
    assert [record for record in caplog.records if record.exc_info] == []


@pytest.mark.parametrize("messages", [1, 2])
async def test_message_that_is_no_utf_8_closes_the_connection_and_is_no_fault(
    house: House, caplog: pytest.LogCaptureFixture, messages: int
) -> None:
    async with served(house) as url, greeted(url) as socket:
        assert await heard(socket) == ACKNOWLEDGED
        send_at_once(socket, *[b"\xff"] * messages)
        closed = await heard(socket)

    assert closed == (1007, "a message must be UTF-8")
    assert [record for record in caplog.records if record.exc_info] == []


@pytest.mark.parametrize("protocols", [None, [Subprotocol("graphql-ws")]], ids=str)
async def test_who_speaks_another_sub_protocol_is_told_which_is_spoken(
    house: House, protocols: list[Subprotocol] | None
) -> None:
    async with (
        served(house) as url,
        connect(url.replace("http", "ws", 1), subprotocols=protocols, proxy=None) as socket,
    ):
        closed = await heard(socket)

    assert closed == (4406, "the sub-protocol must be graphql-transport-ws")
