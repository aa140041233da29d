"""A TCP proxy that understands Bolt, to hold or cut a connection at the message that a test names.

    async with BoltProxy(neo4j.uri) as proxy:
        trap = proxy.trap(Side.ANSWER, Tag.PULL, statement("turn/record"))
        ...                         # connect to proxy.uri
        await trap.sprung()         # committed by the server, and the client does not know it
        trap.cut()                  # or trap.release()

Messages are forwarded whole and unchanged. A trap is looked at before a client's message is forwarded,
or before the server's answer to it is; while it holds, nothing else of that direction passes on that
connection. TLS is not understood.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import Enum, IntEnum, auto
from typing import Self
from urllib.parse import urlsplit

from tests.support.ports import free_port

_MANIFEST = bytes((0x00, 0x00, 0x01, 0xFF))
"""In place of a version: the server offers a list, from which the client then chooses."""


class Tag(IntEnum):
    """What a message is."""

    HELLO = 0x01
    GOODBYE = 0x02
    RESET = 0x0F
    RUN = 0x10
    BEGIN = 0x11
    COMMIT = 0x12
    ROLLBACK = 0x13
    DISCARD = 0x2F
    PULL = 0x3F
    TELEMETRY = 0x54
    ROUTE = 0x66
    LOGON = 0x6A
    LOGOFF = 0x6B
    SUCCESS = 0x70
    RECORD = 0x71
    IGNORED = 0x7E
    FAILURE = 0x7F


class Side(Enum):
    """Where a trap stands."""

    REQUEST = auto()
    """Before the client's message is forwarded: the server does not know of it."""
    ANSWER = auto()
    """Before the end of the server's answer is forwarded: the client does not know of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passing:
    """A client's message, or the end of its answer, on its way through the proxy."""

    connection: int
    side: Side
    tag: Tag
    statements: tuple[str, ...]
    """Of a RUN its own text, of others what was run in their transaction before them.

    A transaction without BEGIN is committed by the time that its PULL is answered.
    """
    outcome: Tag | None = None
    """Of an answer: SUCCESS, FAILURE or IGNORED."""


class Trap:
    """Springs on messages of a kind; as long as it holds, the first `times` of them are held."""

    def __init__(
        self, side: Side, tag: Tag, statement: str | None, *, skip: int, times: int, hold: bool
    ) -> None:
        self.passings: list[Passing] = []
        """What it has sprung on."""
        self._side = side
        self._tag = tag
        self._statement = statement
        self._skip = skip
        self._times = times
        self._hold = hold
        self._open = asyncio.Event()
        self._news = asyncio.Event()
        self._held: dict[_Connection, int] = {}

    async def sprung(self, times: int = 1, *, seconds: float = 40.0) -> Passing:
        """Wait until it has sprung so often, and return what it last sprang on.

        Raises:
            TimeoutError: it has not within `seconds`.
        """
        try:
            async with asyncio.timeout(seconds):
                while len(self.passings) < times:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError as exc:
            raise TimeoutError(
                f"no {self._side.name} of {self._tag.name} passed within {seconds} s"
            ) from exc
        return self.passings[times - 1]

    @property
    def holding(self) -> int:
        """How many messages it holds now."""
        return sum(self._held.values())

    def release(self) -> None:
        """Let go of what it holds; it springs no more."""
        self._times = 0
        self._open.set()

    def cut(self) -> None:
        """Cut the connections that it holds messages of, which are lost with them; it springs no more."""
        self._times = 0
        for connection in tuple(self._held):
            connection.abort()
        self._open.set()

    def fits(self, passing: Passing) -> bool:
        """Tell whether it springs on this; counts those that it is to let pass first."""
        if len(self.passings) >= self._times or passing.side is not self._side:
            return False
        if passing.tag is not self._tag:
            return False
        wanted = self._statement
        if wanted is not None and not any(wanted in text for text in passing.statements):
            return False
        if self._skip:
            self._skip -= 1
            return False
        return True

    async def spring(self, passing: Passing, connection: _Connection) -> None:
        """Note it, and return once it may pass."""
        self.passings.append(passing)
        self._news.set()
        if not self._hold:
            return
        self._held[connection] = self._held.get(connection, 0) + 1
        try:
            await self._open.wait()
        finally:
            self._held[connection] -= 1
            if not self._held[connection]:
                del self._held[connection]


class BoltProxy:
    """The proxy; an async context manager that listens on a free port of 127.0.0.1."""

    def __init__(self, uri: str) -> None:
        """Take where the real server is, as a bolt:// URI."""
        parts = urlsplit(uri)
        self._target = (parts.hostname or "127.0.0.1", parts.port or 7687)
        self._port = free_port()
        self._listener: asyncio.Server | None = None
        self._open: set[_Connection] = set()
        self._traps: list[Trap] = []
        self.connections: int = 0
        """How many have ever been made."""
        self.messages: int = 0
        """How many have come to it so far, of clients and of the server, records not counted."""
        self.delay: float = 0.0
        """Seconds by which each message is late, either way."""

    @property
    def uri(self) -> str:
        """Where clients connect to."""
        return f"bolt://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        await self.admit()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.refuse()
        self.cut()
        await asyncio.gather(*(connection.ended.wait() for connection in self._open))

    def trap(
        self,
        side: Side,
        tag: Tag,
        statement: str | None = None,
        *,
        skip: int = 0,
        times: int = 1,
        hold: bool = True,
    ) -> Trap:
        """Set a trap for messages of one tag.

        `statement` is a piece of a text that is run by this RUN or was run in this transaction. The
        first `skip` that fit pass by. Without `hold` it only tells.
        """
        trap = Trap(side, tag, statement, skip=skip, times=times, hold=hold)
        self._traps.append(trap)
        return trap

    def clear(self) -> None:
        """Release all traps and forget them."""
        for trap in self._traps:
            trap.release()
        self._traps.clear()

    async def admit(self) -> None:
        """Take new connections."""
        if self._listener is None:
            self._listener = await asyncio.start_server(self._serve, "127.0.0.1", self._port)

    def refuse(self) -> None:
        """Refuse new connections; those that there are live on."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def cut(self) -> None:
        """Cut all connections; what is held of them is lost."""
        for connection in tuple(self._open):
            connection.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        client = _End(reader, writer)
        try:
            server = _End(*await asyncio.open_connection(*self._target))
        except OSError:
            client.abort()
            return
        if self._listener is None:
            # Taken just before others were refused, it is not one of those that there were to be cut.
            client.abort()
            server.abort()
            return
        connection = _Connection(self.connections, client, server, self)
        self._open.add(connection)
        try:
            await connection.run()
        finally:
            self._open.discard(connection)
            connection.ended.set()

    async def pass_on(self, passing: Passing, connection: _Connection) -> None:
        """Return once no trap holds this."""
        self.messages += 1
        if self.delay:
            await asyncio.sleep(self.delay)
        for trap in tuple(self._traps):
            if trap.fits(passing):
                await trap.spring(passing, connection)


class _End:
    """One end of a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    def abort(self) -> None:
        self._writer.transport.abort()

    async def messages(self) -> AsyncIterator[tuple[bytes, bytes]]:
        """Yield each message as it came, and without its chunks' headers; one without content is a sign of life."""
        while True:
            raw, content = b"", b""
            while True:
                header = await self.reader.readexactly(2)
                size = int.from_bytes(header, "big")
                chunk = await self.reader.readexactly(size)
                raw += header + chunk
                content += chunk
                if not size:
                    break
            yield raw, content

    async def number(self) -> bytes:
        """Read a number of any length, as the handshake has them."""
        raw = await self.reader.readexactly(1)
        while raw[-1] & 0x80:
            raw += await self.reader.readexactly(1)
        return raw


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request that has no answer yet."""

    tag: Tag
    statements: tuple[str, ...]


class _Connection:
    """One connection: a handshake, then two pumps."""

    def __init__(self, number: int, client: _End, server: _End, proxy: BoltProxy) -> None:
        self.ended = asyncio.Event()
        self._number = number
        self._client = client
        self._server = server
        self._proxy = proxy
        self._pumps: list[asyncio.Task[None]] = []
        self._asked: deque[_Asked] = deque()
        self._begun = False
        self._run: list[str] = []

    async def run(self) -> None:
        """Return when either end has closed, having closed the other."""
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                await self._shake_hands()
                self._pumps = [
                    asyncio.create_task(self._pump_requests()),
                    asyncio.create_task(self._pump_answers()),
                ]
                done, _ = await asyncio.wait(self._pumps, return_when=asyncio.FIRST_COMPLETED)
                for pump in done:
                    if not pump.cancelled():
                        pump.result()
        finally:
            self.abort()
            await asyncio.gather(*self._pumps, return_exceptions=True)

    def abort(self) -> None:
        for pump in self._pumps:
            pump.cancel()
        self._client.abort()
        self._server.abort()

    async def _shake_hands(self) -> None:
        await self._server.send(await self._client.reader.readexactly(20))
        version = await self._server.reader.readexactly(4)
        if version != _MANIFEST:
            await self._client.send(version)
            return
        count = await self._server.number()
        offers = await self._server.reader.readexactly(4 * _value(count))
        capabilities = await self._server.number()
        await self._client.send(version + count + offers + capabilities)
        chosen = await self._client.reader.readexactly(4)
        await self._server.send(chosen + await self._client.number())

    async def _pump_requests(self) -> None:
        async for raw, content in self._client.messages():
            if content:
                asked = self._note(Tag(content[1]), content)
                passing = Passing(
                    connection=self._number,
                    side=Side.REQUEST,
                    tag=asked.tag,
                    statements=asked.statements,
                )
                await self._proxy.pass_on(passing, self)
                if asked.tag is not Tag.GOODBYE:
                    self._asked.append(asked)
            await self._server.send(raw)

    async def _pump_answers(self) -> None:
        async for raw, content in self._server.messages():
            if content and content[1] != Tag.RECORD:
                asked = self._asked.popleft()
                passing = Passing(
                    connection=self._number,
                    side=Side.ANSWER,
                    tag=asked.tag,
                    statements=asked.statements,
                    outcome=Tag(content[1]),
                )
                await self._proxy.pass_on(passing, self)
            await self._client.send(raw)

    def _note(self, tag: Tag, content: bytes) -> _Asked:
        """Say what was run where a request belongs to."""
        if tag is Tag.RUN:
            text = _text(content[2:])
            # Without BEGIN each RUN is a transaction of its own.
            self._run = [*self._run, text] if self._begun else [text]
            return _Asked(tag, (text,))
        if tag in {Tag.BEGIN, Tag.RESET, Tag.HELLO, Tag.LOGON, Tag.LOGOFF}:
            self._begun, self._run = tag is Tag.BEGIN, []
        asked = _Asked(tag, tuple(self._run))
        if tag in {Tag.COMMIT, Tag.ROLLBACK}:
            self._begun, self._run = False, []
        return asked


def _value(number: bytes) -> int:
    return sum((byte & 0x7F) << (7 * place) for place, byte in enumerate(number))


def _text(packed: bytes) -> str:
    """Unpack the string that begins here."""
    marker = packed[0]
    if 0x80 <= marker <= 0x8F:
        start, size = 1, marker & 0x0F
    else:
        width = {0xD0: 1, 0xD1: 2, 0xD2: 4}[marker]
        start, size = 1 + width, int.from_bytes(packed[1 : 1 + width], "big")
    return packed[start : start + size].decode()
