"""What comes over a connection, read piece by piece, so that nobody who sends much at once keeps the loop from all others."""

from __future__ import annotations

import asyncio
from typing import Any, Final, Protocol, cast

from typing_extensions import override

MOST_PIECE_BYTES: Final = 8 * 1024
"""That are read of a connection before others have the loop: a kilobyte may be a hundred requests, or frames."""


class Reader(Protocol):
    """The protocol of such a connection."""

    def read(self, data: bytes) -> None:
        """Read a piece."""
        ...


class Piecemeal(asyncio.Transport):
    """A connection of which what comes is read in small pieces, each in its own turn of the loop, so that others have theirs.

    While its protocol has reading paused none is handed over; while one waits no more is taken in, and so it is seen that
    the client has closed only after all that it sent.
    """

    __slots__ = ("_loop", "_next", "_paused", "_rest", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__()
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._rest = b""
        self._paused = False
        self._next: asyncio.Handle | None = None

    def hand_over(self, data: bytes) -> None:
        """Have what has come read; of what is small, and has nothing before it, now."""
        self._rest += data
        if self._next is None:
            self._go_on()

    def _go_on(self) -> None:
        self._next = None
        if self._transport.is_closing():
            self._rest = b""
        elif not self._paused:
            piece, self._rest = self._rest[:MOST_PIECE_BYTES], self._rest[MOST_PIECE_BYTES:]
            try:
                # Another one than before, where a request has opened a WebSocket.
                cast("Reader", cast("object", self.get_protocol())).read(piece)
            except BaseException:
                self.abort()
                raise
        self._settle()

    def _settle(self) -> None:
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
        self._transport.write(data)

    @override
    def is_closing(self) -> bool:
        return self._transport.is_closing()

    @override
    def close(self) -> None:
        self._transport.close()

    @override
    def abort(self) -> None:
        self._transport.abort()
