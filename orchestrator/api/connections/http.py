"""HTTP: what is kept of a request that has not come whole is bounded, and so is the time for which it is waited for."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence, Sized
from typing import Final

import httptools
from starlette.responses import Response
from typing_extensions import override
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from websockets.http11 import MAX_LINE_LENGTH, MAX_NUM_HEADERS

from orchestrator.api.answers import refusal, too_large, too_slow
from orchestrator.api.connections.patient import Patient
from orchestrator.api.connections.piecemeal import Piecemeal
from orchestrator.api.limits import LimitError

MOST_HEAD_BYTES: Final = 64 * 1024
"""Of a request's address and of the names and values of its headers; of what is neither head nor body, in one place."""

_REQUEST_SECONDS = 75.0
"""In which a request has to come whole, and the first one of a connection: longer than balancers keep those that they made ahead."""


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


class PatientHttp(Patient, HttpToolsProtocol):
    """A connection over which HTTP is spoken: cut where its client does not read the answer, such as one that goes on.

    What is kept of a request before its application sees it, its address and its headers, is bounded, and so are what only says
    where something ends, and the time for which the rest of a request is waited for.
    """

    _over = "http"
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
    def _let_go(self, reason: str) -> None:
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
