"""A WebSocket of a caller: he shows who he is when it is opened, and it is closed once he would not be let in any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import cast

import structlog
from starlette.websockets import WebSocket
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
)
from strawberry.subscriptions.protocols.graphql_transport_ws.types import (
    ConnectionInitMessage,
    Message,
    SubscribeMessage,
)
from typing_extensions import override

from orchestrator.api.body import LET_IN
from orchestrator.api.callers import RefusedCallerError, caller_of, note_refusal, sent_away
from orchestrator.api.clients import Client, Kind, UnderWay
from orchestrator.api.context import Context
from orchestrator.api.errors import coded
from orchestrator.api.limits import TooManyError
from orchestrator.api.requests import UnfitError, fit_message
from orchestrator.domain.errors import UnavailableError

FORBIDDEN = 4403
"""The code of graphql-transport-ws for who is not let in; its clients may show something else and come again."""
TRY_AGAIN_LATER = 1013
_TOO_LATE = 4408

MOST_OPERATIONS = 100
"""At once, over one connection."""

_log = structlog.get_logger(__name__)


class Visit(BaseGraphQLTransportWSHandler[Context, None]):
    """Speaks graphql-transport-ws over one connection."""

    _leaving: asyncio.Task[None] | None = None
    _counted: UnderWay | None = None

    @override
    async def handle(self) -> None:
        """Count the connection as its client's while it is open: as its address's until the caller is known."""
        try:
            self._count(self.context.client)
        except TooManyError as error:
            await self.websocket.close(TRY_AGAIN_LATER, error.message)
            return
        try:
            await super().handle()
        finally:
            self._count(None)

    @override
    async def handle_connection_init_timeout(self) -> None:
        """Close a connection over which `connection_init` has not come in time, and say in which."""
        bound = self.connection_init_wait_timeout.total_seconds()
        await asyncio.sleep(bound)
        self.connection_timed_out = True
        await self.websocket.close(
            _TOO_LATE,
            f"connectionInitSeconds: connection_init has not come for {bound:g} seconds, and may take {bound:g} at most",
        )

    @override
    async def handle_message(self, message: Message) -> None:
        """Let no message through that what handles it would stumble over: it closes the connection, with the reason."""
        try:
            fit = cast("Message", fit_message(message))
        except UnfitError as unfit:
            await self.handle_invalid_message(str(unfit))
            return
        await super().handle_message(fit)
        # Messages that came together are read, and answered, without a wait: others would not have their turn meanwhile.
        await asyncio.sleep(0)

    @override
    async def handle_connection_init(self, message: ConnectionInitMessage) -> None:
        """Let the caller in by the payload, and where it shows nothing by the handshake.

        Who is not let in is told with 4403, as graphql-transport-ws has it; who asks for something before, with 4401.
        """
        if self.connection_init_timeout_task is not None:
            # It has come in time, however long it takes to judge what it shows.
            self.connection_init_timeout_task.cancel()
            # It would keep what it was cancelled in for as long as the connection lives.
            self.connection_init_timeout_task = None
        if not self.connection_init_received:
            try:
                await self._let_in(message.get("payload"))
            except RefusedCallerError as refused:
                await self.websocket.close(FORBIDDEN, refused.why)
                return
            except UnavailableError as error:
                _log.warning(
                    "operation_unavailable",
                    fields=[],
                    why=error.what,
                    correlation_id=self.context.correlation_id,
                )
                await self.websocket.close(TRY_AGAIN_LATER, error.what)
                return
            except TooManyError as error:
                await self.websocket.close(TRY_AGAIN_LATER, error.message)
                return
        await super().handle_connection_init(message)

    @override
    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        """Note who asks for something before he was let in, and refuse what is too much.

        That is sent from here and not beside the other operations: who does not read it is not listened to any more.
        """
        if not self.connection_acknowledged:
            note_refusal(self._socket, "something was asked for before connection_init")
        elif message["id"] not in self.operations and len(self.operations) >= MOST_OPERATIONS:
            too_many = TooManyError("connection", "operations", MOST_OPERATIONS)
            error = coded(too_many, self.context.correlation_id)
            _log.warning(
                "client_refused",
                client=self.context.client.name,
                kind="operations",
                bound=MOST_OPERATIONS,
                correlation_id=self.context.correlation_id,
            )
            await self.send_message(
                {"type": "error", "id": message["id"], "payload": [error.formatted]}
            )
            return
        await super().handle_subscribe(message)

    @override
    async def handle_task_exception(self, error: Exception) -> None:
        """Log what an operation died of, unless that is that nobody hears it any more: he has left, or was sent away."""
        if not isinstance(error, WebSocketDisconnected):
            await super().handle_task_exception(error)

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
        client = self.context.client.clients.of(self._socket, caller)
        if client != self.context.client:
            self._count(client)
        self.context.caller, self.context.client = caller, client
        self._take_longer_messages()
        if caller.name is not None:
            self._leaving = asyncio.create_task(self._see_out(self.context), name="leaving")

    def _take_longer_messages(self) -> None:
        # Not every server bounds what comes before.
        state = cast("dict[str, Callable[[], None]]", self._socket.scope.get("state", {}))
        if (let_in := state.pop(LET_IN, None)) is not None:
            let_in()

    def _count(self, client: Client | None) -> None:
        """Count the connection as this client's, and as nobody else's any more; raises TooManyError."""
        before = self._counted
        self._counted = (
            None
            if client is None
            else client.one_more(Kind.CONNECTION, self.context.correlation_id)
        )
        if before is not None:
            before.end()

    async def _see_out(self, context: Context) -> None:
        error = await sent_away(context.ports.doorkeeper, context.caller)
        again_later = isinstance(error, UnavailableError)
        why = error.what if again_later else error.why
        for operation in list(self.operations):
            await self.cleanup_operation(operation)
        await self.websocket.close(TRY_AGAIN_LATER if again_later else FORBIDDEN, why)


def _shown(payload: object) -> str | None:
    """What the payload of `connection_init` has under `authorization`, in any case; none where it has nothing there."""
    if not isinstance(payload, Mapping):
        return None
    fields = cast("Mapping[str, object]", payload)
    shown = next((value for name, value in fields.items() if name.lower() == "authorization"), None)
    # Whatever is no text shows nothing that could be right.
    return None if shown is None else str(shown)
