"""What comes over a connection, read piece by piece, so that nobody who sends much at once keeps the loop from all others."""

from __future__ import annotations

import asyncio
from typing import Any, Final, Protocol, cast

from typing_extensions import override

MOST_PIECE_BYTES: Final = 8 * 1024
"""That are read of a connection before others have the loop: a kilobyte may be a hundred requests, or frames."""

_LINGER_SECONDS = 5
"""For how long a client that is still sending may read why it is closed; one that has sent nothing for a second has."""


class Reader(Protocol):
    """The protocol of such a connection."""

    def read(self, data: bytes) -> None:
        """Read a piece."""
        ...

    def awaits_more(self) -> bool:
        """Whether the client, as far as is known, has not yet sent all that it began to."""
        ...


class Piecemeal(asyncio.Transport):
    """A connection of which what comes is read in small pieces, each in its own turn of the loop, so that others have theirs.

    While its protocol has reading paused none is handed over; while one waits no more is taken in, and so it is seen that
    the client has closed only after all that it sent. Where it is closed while the client still sends, that is taken in
    and dropped for a while: a connection that is closed with something unread is reset, and what was said last is lost
    (RFC 9112, section 9.6).
    """

    __slots__ = ("_closed", "_heard", "_loop", "_next", "_paused", "_rest", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__()
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._rest = b""
        self._paused = False
        self._closed = False
        self._heard = False
        self._next: asyncio.Handle | None = None

    def hand_over(self, data: bytes) -> None:
        """Have what has come read; of what is small, and has nothing before it, now."""
        if self._closed:
            self._heard = True
            return
        self._rest += data
        if self._next is None:
            self._go_on()

    def _go_on(self) -> None:
        self._next = None
        if not self._paused and not self.is_closing():
            piece, self._rest = self._rest[:MOST_PIECE_BYTES], self._rest[MOST_PIECE_BYTES:]
            try:
                self._reader.read(piece)
            except BaseException:
                self.abort()
                raise
        self._settle()

    @property
    def _reader(self) -> Reader:
        # Another one than before, where a request has opened a WebSocket.
        return cast("Reader", cast("object", self.get_protocol()))

    def _settle(self) -> None:
        if self.is_closing():
            self._rest, self._paused = b"", False
        if self._rest and not self._paused and self._next is None:
            self._next = self._loop.call_soon(self._go_on)
        if self._rest or self._paused:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    @override
    def pause_reading(self) -> None:
        self._paused = True
        self._settle()

    @override
    def resume_reading(self) -> None:
        self._paused = False
        self._settle()

    @override
    def is_reading(self) -> bool:
        return not self._paused and not self.is_closing()

    @override
    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._transport.get_protocol()

    @override
    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._transport.set_protocol(protocol)

    @override
    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self._closed:
            self._transport.write(data)

    @override
    def is_closing(self) -> bool:
        return self._closed or self._transport.is_closing()

    @override
    def close(self) -> None:
        if self.is_closing():
            return
        self._closed = True
        if self._reader.awaits_more():
            self._settle()
            # Without an end of what is written: a client of asyncio's takes that for the end of all, whatever it still writes.
            self._heard = True
            self._linger(_LINGER_SECONDS)
        else:
            self._transport.close()

    def _linger(self, seconds: int) -> None:
        if self._heard and seconds:
            self._heard = False
            self._loop.call_later(1, self._linger, seconds - 1)
        else:
            self._transport.close()

    @override
    def abort(self) -> None:
        self._transport.abort()
