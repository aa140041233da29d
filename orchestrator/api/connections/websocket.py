"""A WebSocket: a client is told why it ends, and what is kept for one that waits is little."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Final, cast

from typing_extensions import override
from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.frames import CloseCode, Frame
from websockets.http11 import Request
from websockets.http11 import Response as WebSocketResponse
from websockets.server import ServerProtocol
from websockets.typing import StatusLike

from orchestrator.api.answers import refusal
from orchestrator.api.body import LET_IN, MOST_GREETING_BYTES
from orchestrator.api.connections.patient import Patient
from orchestrator.api.connections.piecemeal import Piecemeal

TOO_SLOW: Final = 1013
"""Try again later: libraries for GraphQL over WebSocket connect again after it, as they don't after 1008."""

_FAREWELL_SECONDS = 10.0
"""For how long a client that was let go of may still read why; then the connection is cut."""

MOST_FRAMES: Final = 4096
"""Of one message: an empty one adds nothing to how long it is."""

_EXTENSIONS: Final = (
    ServerPerMessageDeflateFactory(
        server_no_context_takeover=True,
        client_no_context_takeover=True,
        server_max_window_bits=12,
        client_max_window_bits=12,
        compress_settings={"memLevel": 5},
    ),
)


class _Handshake(ServerProtocol):
    """Tells in the form of all errors why a WebSocket is not opened."""

    @override
    def reject(self, status: StatusLike, text: str) -> WebSocketResponse:
        response = super().reject(status, text)
        if text:
            answer = refusal(response.status_code, text.strip())
            response.body = bytes(answer.body)
            for name in ("content-type", "content-length"):
                del response.headers[name]
                response.headers[name] = answer.headers[name]
        return response


class PatientSocket(Patient, WebSocketsSansIOProtocol):
    """A WebSocket.

    What is sent faster than the client reads waits in a buffer of 64 KiB and, beyond that, with whoever sends it. A
    client that lets the buffer stay full is let go of, with the reason: whoever sends to it is told at once that it is gone.
    Messages may be long once the application says that the caller was let in.
    """

    _over = "websocket"
    _pongs = b""
    """To the last pings that came while the client does not read: those before them need no answer (RFC 6455, section 5.5.3)."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._farewell: asyncio.TimerHandle | None = None
        # As uvicorn makes it, but that each message is compressed alone: what is kept from one to the next takes 40 KB.
        self.conn = _Handshake(
            extensions=_EXTENSIONS,
            max_size=MOST_GREETING_BYTES,
            logger=logging.getLogger("uvicorn.error"),
        )

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # It is made by the protocol that read the handshake, out of its own connection.
        self._piecemeal = cast("Piecemeal", transport)
        super().connection_made(transport)

    @override
    def data_received(self, data: bytes) -> None:
        if self.handshake_initiated:
            super().data_received(data)
        else:
            # The handshake, which has had its turn.
            self.read(data)

    @override
    def read(self, data: bytes) -> None:
        super().read(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            # A head that cannot be read: what is to be said of it uvicorn leaves unsent, and the connection open.
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()

    @override
    def handle_ping(self) -> None:
        # What answers all the pings of a piece comes with the first of them.
        pongs = b"".join(self.conn.data_to_send())
        if self.close_sent:
            # He has been told of the end, and may go on for as long as he is let.
            return
        if self.writable.is_set() or self.conn.close_sent is not None:
            self.transport.write(pongs)
        elif pongs:
            self._pongs = pongs

    @override
    def resume_writing(self) -> None:
        super().resume_writing()
        self.transport.write(self._pongs)
        self._pongs = b""

    def awaits_more(self) -> bool:
        """Whether the client was told of the end and has not yet heard."""
        return self.conn.close_sent is not None and self.conn.close_rcvd is None

    @override
    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if not self.close_sent:
            self.scope.setdefault("state", {})[LET_IN] = self._take_longer

    def _take_longer(self) -> None:
        self.conn.max_message_size = self.config.ws_max_size

    @override
    def handle_cont(self, event: Frame) -> None:
        if self.close_sent:
            return
        if len(self.frames) >= MOST_FRAMES:
            self.conn.send_close(
                CloseCode.MESSAGE_TOO_BIG,
                f"a message has {MOST_FRAMES + 1} frames or more, and may have {MOST_FRAMES} at most",
            )
            self.handle_parser_exception()
            return
        super().handle_cont(event)

    @override
    def send_receive_event_to_app(self) -> None:
        if self.close_sent:
            return
        if self.curr_msg_data_type == "text" and not _is_text(self.frames):
            # uvicorn closes as well, but takes it for a fault and logs that, and says nothing to the client.
            self.conn.send_close(CloseCode.INVALID_DATA, "a message must be UTF-8")
            self.handle_parser_exception()
            return
        super().send_receive_event_to_app()

    @override
    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body"):
            # uvicorn would miss the handshake's end, and log that as a fault.
            self.handshake_complete = True
        if self.handshake_complete and message["type"] == "websocket.accept":
            # The handshake is nothing to keep for as long as the connection lives: what was asked is in the scope, too.
            self.response.headers.clear()
            self.request.headers.clear()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self._farewell is not None:
            # A transport that is gone cannot be aborted.
            self._farewell.cancel()
        super().connection_lost(exc)

    @override
    def _let_go(self, reason: str) -> None:
        self.stop_keepalive()
        if not self.close_sent:
            self.conn.send_close(TOO_SLOW, reason)
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
        # Whoever waits to send ends now, and what it holds goes; what was sent before still goes out, if it is read.
        self.disconnected = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": TOO_SLOW, "reason": reason})
        self.writable.set()
        self.transport.close()
        self._farewell = self.loop.call_later(_FAREWELL_SECONDS, self.transport.abort)


def _is_text(frames: Sequence[bytes]) -> bool:
    try:
        b"".join(frames).decode()
    except UnicodeDecodeError:
        return False
    return True
