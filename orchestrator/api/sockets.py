"""Connections as uvicorn has them, which let go of a client that does not read or write, and keep little for one that waits."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Sequence, Sized
from typing import Any, Final, cast

import httptools
import structlog
from starlette.responses import Response
from typing_extensions import override
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.frames import CloseCode, Frame
from websockets.http11 import MAX_LINE_LENGTH, MAX_NUM_HEADERS, Request
from websockets.http11 import Response as WebSocketResponse
from websockets.server import ServerProtocol
from websockets.typing import StatusLike

from orchestrator.api.answers import refusal, too_large, too_slow
from orchestrator.api.body import LET_IN, MOST_GREETING_BYTES
from orchestrator.api.limits import LimitError
from orchestrator.api.piecemeal import Piecemeal

TOO_SLOW: Final = 1013
"""Try again later: libraries for GraphQL over WebSocket connect again after it, as they don't after 1008."""

_PATIENCE_SECONDS = 30.0
"""For how long what was sent may lie unread before the connection is closed."""

_FAREWELL_SECONDS = 10.0
"""For how long after that a client may still read why; then the connection is cut."""

MOST_HEAD_BYTES: Final = 64 * 1024
"""Of a request's address and of the names and values of its headers; of what is neither head nor body, in one place."""

MOST_FRAMES: Final = 4096
"""Of one message: an empty one adds nothing to how long it is."""

_REQUEST_SECONDS = 75.0
"""In which a request has to come whole, and the first one of a connection: longer than balancers keep those that they made ahead."""

_EXTENSIONS: Final = (
    ServerPerMessageDeflateFactory(
        server_no_context_takeover=True,
        client_no_context_takeover=True,
        server_max_window_bits=12,
        client_max_window_bits=12,
        compress_settings={"memLevel": 5},
    ),
)

_log = structlog.get_logger(__name__)


class _HeadTooLongError(Exception):
    """The head of a request is whole, and longer than it may be."""


class _Flow(FlowControl):
    """Reads no more requests while there are some that wait for others to be answered."""

    def __init__(self, transport: asyncio.Transport, waiting: Sized) -> None:
        super().__init__(transport)
        self._waiting = waiting

    @override
    def resume_reading(self) -> None:
        if not self._waiting:
            super().resume_reading()


class _Patient(asyncio.Protocol):
    """Lets go of a client that has left the buffer full for too long."""

    _piecemeal: Piecemeal  # pyright: ignore[reportUninitializedInstanceVariable] - there is none before it is connected
    _running_out: asyncio.TimerHandle | None = None

    @override
    def data_received(self, data: bytes) -> None:
        self._piecemeal.hand_over(data)

    def read(self, data: bytes) -> None:
        """Read a piece of what has come, when it has its turn."""
        super().data_received(data)

    @override
    def pause_writing(self) -> None:
        super().pause_writing()
        loop = asyncio.get_running_loop()
        self._running_out = loop.call_later(_PATIENCE_SECONDS, self._let_go)

    @override
    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_waiting()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _stop_waiting(self) -> None:
        if self._running_out is not None:
            self._running_out.cancel()
            self._running_out = None

    def _let_go(self) -> None:
        raise NotImplementedError


class PatientHttp(_Patient, HttpToolsProtocol):
    """A connection over which HTTP is spoken: cut where its client does not read the answer, such as one that goes on.

    What is kept of a request before its application sees it, its address and its headers, is bounded, and so are what only says
    where something ends, and the time for which the rest of a request is waited for.
    """

    _heading = False
    """Whether what comes next belongs to a head."""
    _began_here = False
    """Whether that head began in the piece that is read now: some of this may belong to what came before."""
    _head = 0
    """Bytes of it; while it is not whole, without the piece in which it began, which may hold the end of another request, too."""
    _whole = False
    """Whether the request that began last has come to its end."""
    _framing = 0
    """Bytes that came since the last ones of a head or a body: they only say where one ends, or are trailers."""
    _framed_here = False
    """Whether some of a head or a body is in the piece that is read now."""
    _giving_up: asyncio.TimerHandle | None = None

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - as uvicorn has it
        self._piecemeal = Piecemeal(transport)
        super().connection_made(self._piecemeal)
        self.flow = _Flow(self._piecemeal, self.pipeline)
        self._wait_for_request()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting_for_request()
        super().connection_lost(exc)

    @override
    def read(self, data: bytes) -> None:
        self._began_here = self._framed_here = False
        super().read(data)
        answered = self.cycle and self.cycle.response_complete
        ours = not self.transport.is_closing() and self.transport.get_protocol() is self
        # With whatever comes after an answer, be it an empty line, uvicorn ends its own waiting for the next request.
        if ours and self._giving_up is None and (answered or not self._whole):
            self._wait_for_request()
        if not ours:
            return
        # What follows the end of a head in a piece is a body, however long.
        if self._heading and not self._began_here:
            self._head += len(data)
            if self._head > MOST_HEAD_BYTES:
                self._refuse_head()
        elif not self._heading:
            # Where in a piece a body ends is not known: what follows it there goes uncounted.
            self._framing = 0 if self._framed_here else self._framing + len(data)
            if self._framing > MOST_HEAD_BYTES:
                self._refuse_framing()

    @override
    def on_message_begin(self) -> None:
        self._heading, self._began_here, self._head = True, True, 0
        self._whole = False
        self._framed_here = True
        super().on_message_begin()

    @override
    def on_header(self, name: bytes, value: bytes) -> None:
        # Nobody asks for trailers; uvicorn would keep them among the headers, however many.
        if self._heading:
            super().on_header(name, value)

    @override
    def on_body(self, body: bytes) -> None:
        self._framed_here = True
        super().on_body(body)

    @override
    def on_headers_complete(self) -> None:
        self._heading = False
        self._framed_here = True
        self._head = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if self._head > MOST_HEAD_BYTES:
            raise _HeadTooLongError
        super().on_headers_complete()

    @override
    def on_message_complete(self) -> None:
        self._whole = True
        self._stop_waiting_for_request()
        super().on_message_complete()

    def awaits_more(self) -> bool:
        """Whether a request has begun that has not come whole."""
        return self._heading or (bool(self.cycle) and not self._whole)

    def _wait_for_request(self) -> None:
        self._giving_up = self.loop.call_later(_REQUEST_SECONDS, self._give_up)

    def _stop_waiting_for_request(self) -> None:
        if self._giving_up is not None:
            self._giving_up.cancel()
            self._giving_up = None

    def _give_up(self) -> None:
        if self._answers_another():
            self._wait_for_request()
        elif self._heading or (self.cycle and not self.cycle.response_complete):
            limit = LimitError(
                "requestSeconds",
                _REQUEST_SECONDS,
                _REQUEST_SECONDS,
                f"the request had not come whole after {_REQUEST_SECONDS:g} s, and may take that long at most",
            )
            self._end_with(too_slow(limit, self._address))
        else:
            # Nobody waits for an answer.
            self.transport.close()

    def _refuse_head(self) -> None:
        limit = LimitError(
            "headBytes",
            self._head,
            MOST_HEAD_BYTES,
            f"the address and the headers of the request have {self._head} bytes or more, and may have {MOST_HEAD_BYTES} at most",
        )
        self._end_with(too_large(431, limit, self._address))

    def _refuse_framing(self) -> None:
        if not self.cycle or self.cycle.response_complete:
            # Nobody waits for an answer.
            self.transport.close()
            return
        limit = LimitError(
            "framingBytes",
            self._framing,
            MOST_HEAD_BYTES,
            f"the request has {self._framing} bytes or more in one place that are neither head nor body, such as trailers, and may have {MOST_HEAD_BYTES} at most",
        )
        self._end_with(too_large(431, limit, self._address))

    @override
    def handle_websocket_upgrade(self) -> None:
        beyond = _beyond_handshake(self.url, self.headers)
        if beyond is None:
            super().handle_websocket_upgrade()
        else:
            status, limit = beyond
            self._end_with(too_large(status, limit, self._address))

    @override
    def send_400_response(self, msg: str) -> None:
        # It is called while what the parser found is handled; what came of a callback of uvicorn's own says nothing.
        found = sys.exception()
        if found is not None and isinstance(found.__context__, _HeadTooLongError):
            self._refuse_head()
            return
        why = "" if isinstance(found, httptools.HttpParserCallbackError) else f": {found}"
        self._end_with(refusal(400, f"what was sent is no HTTP/1.1 that can be read{why}"))

    @property
    def _address(self) -> str | None:
        return self.client[0] if self.client else None

    def _end_with(self, answer: Response) -> None:
        """Send an answer to what never became a request, and close; it is left out where it would be taken for that to another request."""
        if self._answers_another():
            self.transport.close()
            return
        lines = [STATUS_LINE[answer.status_code].rstrip(), b"connection: close"]
        lines.extend(b": ".join(header) for header in answer.raw_headers)
        self.transport.write(b"\r\n".join((*lines, b"", bytes(answer.body))))
        self.transport.close()

    def _answers_another(self) -> bool:
        """Whether a request is being answered that came whole, or whose answer was begun: what is read now is none of its own."""
        cycle = self.cycle
        if not cycle or cycle.response_complete:
            return False
        return bool(self.pipeline) or cycle.response_started or not cycle.more_body

    @override
    def _let_go(self) -> None:
        _log.warning("reader_too_slow", seconds=_PATIENCE_SECONDS, over="http")
        self.transport.abort()


def _beyond_handshake(
    url: bytes, headers: Sequence[tuple[bytes, bytes]]
) -> tuple[int, LimitError] | None:
    """Say which bound of what reads a WebSocket's handshake is passed, and the status: itself it would tell in a text alone."""
    address = len(b"GET %b HTTP/1.1\r\n" % url)
    longest = max((len(b"%b: %b\r\n" % header) for header in headers), default=0)
    for status, line, length in ((414, "an address", address), (431, "a header", longest)):
        if length > MAX_LINE_LENGTH:
            return status, LimitError(
                "handshakeLineBytes",
                length,
                MAX_LINE_LENGTH,
                f"the WebSocket's handshake has {line} of {length} bytes, and may have {MAX_LINE_LENGTH} at most: a longer token goes into connection_init",
            )
    if (number := len(headers)) > MAX_NUM_HEADERS:
        return 431, LimitError(
            "handshakeHeaders",
            number,
            MAX_NUM_HEADERS,
            f"the WebSocket's handshake has {number} headers, and may have {MAX_NUM_HEADERS} at most",
        )
    return None


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


class PatientSocket(_Patient, WebSocketsSansIOProtocol):
    """A WebSocket.

    What is sent faster than the client reads waits in a buffer of 64 KiB and, beyond that, with whoever sends it. A
    client that lets the buffer stay full is let go of, with the reason: whoever sends to it is told at once that it is gone.
    Messages may be long once the application says that the caller was let in.
    """

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
    def _let_go(self) -> None:
        _log.warning("reader_too_slow", seconds=_PATIENCE_SECONDS, over="websocket")
        self.stop_keepalive()
        reason = f"too slow: what was sent lay unread for {_PATIENCE_SECONDS:g} s"
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
