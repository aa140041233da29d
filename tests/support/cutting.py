"""An address that cuts connections: what a client does then is what its user sees of a bad network."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from types import TracebackType
from typing import cast

from tests.support.ports import free_port


class Cutting:
    """Passes connections on to an address, but breaks the first of them off after so many bytes of what is answered."""

    def __init__(self, url: str, *, cuts: int, after: int) -> None:
        self._port: int = int(url.rpartition(":")[2])
        self._cuts: int = cuts
        self._after: int = after
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self.cut: int = 0
        """How many have been broken off."""

    async def __aenter__(self) -> str:
        """Listen on a free port and return the address."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        bound = cast("tuple[str, int]", self._server.sockets[0].getsockname())
        return f"http://127.0.0.1:{bound[1]}"

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(self._connect(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        asking = asyncio.create_task(_pass_on(reader, back, None))
        try:
            left = self._after if self.cut < self._cuts else None
            if not await _pass_on(there, writer, left):
                self.cut += 1
        finally:
            writer.transport.abort()
            back.transport.abort()
            asking.cancel()


class Dying:
    """Takes one request, and is gone without an answer: what asks again is refused."""

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self.port: int = 0
        self.gone: asyncio.Event = asyncio.Event()

    async def __aenter__(self) -> str:
        """Listen on a free port and return the address."""
        self.port = free_port()
        self._server = await asyncio.start_server(self._take, "127.0.0.1", self.port)
        return f"http://127.0.0.1:{self.port}"

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        await reader.readexactly(int(length[1]) if length else 0)
        self._close()
        writer.transport.abort()
        self.gone.set()

    def _close(self) -> None:
        if self._server is not None:
            self._server.close()


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: int | None
) -> bool:
    """Pass on what comes, `most` bytes of it; return whether that was all."""
    with suppress(OSError):
        while piece := await reader.read(1024):
            if most is not None:
                if len(piece) > most:
                    writer.write(piece[:most])
                    await writer.drain()
                    return False
                most -= len(piece)
            writer.write(piece)
            await writer.drain()
    return True
