"""A WebSocket of a caller: he shows who he is when it is opened, and it is closed once he would not be let in any more."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import cast

import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
)
from strawberry.subscriptions.protocols.graphql_transport_ws.types import (
    ConnectionInitMessage,
    SubscribeMessage,
)
from typing_extensions import override

from orchestrator.api.callers import RefusedCallerError, caller_of, note_refusal
from orchestrator.api.context import Context
from orchestrator.domain.errors import UnavailableError

FORBIDDEN = 4403
"""The code of graphql-transport-ws for who is not let in; its clients may show something else and come again."""
TRY_AGAIN_LATER = 1013

_log = structlog.get_logger(__name__)


class Visit(BaseGraphQLTransportWSHandler[Context, None]):
    """Speaks graphql-transport-ws over one connection."""

    _leaving: asyncio.Task[None] | None = None

    @override
    async def handle_connection_init(self, message: ConnectionInitMessage) -> None:
        """Let the caller in by the payload, and where it shows nothing by the handshake.

        Who is not let in is told with 4403, as graphql-transport-ws has it; who asks for something before, with 4401.
        """
        if not self.connection_init_received:
            try:
                await self._let_in(message.get("payload"))
            except RefusedCallerError as refused:
                await self.websocket.close(FORBIDDEN, refused.why)
                return
            except UnavailableError as error:
                await self.websocket.close(TRY_AGAIN_LATER, error.what)
                return
        await super().handle_connection_init(message)

    @override
    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        """Note who asks for something before he was let in."""
        if not self.connection_acknowledged:
            note_refusal(self._socket, "something was asked for before connection_init")
        await super().handle_subscribe(message)

    @override
    async def shutdown(self) -> None:
        """Wait for nobody any more."""
        if self._leaving is not None:
            self._leaving.cancel()
            with suppress(asyncio.CancelledError):
                await self._leaving
        await super().shutdown()

    @property
    def _socket(self) -> WebSocket:
        return cast("ASGIWebSocketAdapter", self.websocket).ws

    async def _let_in(self, payload: object) -> None:
        doorkeeper = self.context.ports.doorkeeper
        caller = await caller_of(doorkeeper, self._socket, _shown(payload))
        self.context = Context(self.context.ports, caller)
        if caller.name is not None:
            self._leaving = asyncio.create_task(self._see_out(self.context), name="leaving")

    async def _see_out(self, context: Context) -> None:
        caller = context.caller
        why = await context.ports.doorkeeper.leaving(caller)
        _log.info("caller_left", caller=caller.name, why=why, operations=len(self.operations))
        for operation in list(self.operations):
            await self.cleanup_operation(operation)
        # He may have left by himself at the same moment.
        with suppress(WebSocketDisconnect, RuntimeError):
            await self.websocket.close(FORBIDDEN, why)


def _shown(payload: object) -> str | None:
    """What the payload of `connection_init` has under `authorization`, in any case; none where it has nothing there."""
    if not isinstance(payload, Mapping):
        return None
    fields = cast("Mapping[str, object]", payload)
    shown = next((value for name, value in fields.items() if name.lower() == "authorization"), None)
    # Whatever is no text shows nothing that could be right.
    return None if shown is None else str(shown)
