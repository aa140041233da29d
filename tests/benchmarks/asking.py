"""A client that asks the same thing again and again, with as little as can be between it and the socket.

It is told {"url", "body", "at_once", "seconds"} a line at a time, and says how long each answer took, in milliseconds, how
many were none, what the first of those said, how long it all took, and its own processor time.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlsplit

import httptools
import uvloop
from typing_extensions import override

from tests.benchmarks.processes import say, told

_ANSWER_SECONDS = 15.0
_SHOWN = 300
"""Characters of what was no answer."""


class _Connection(asyncio.Protocol):
    """Sends one request after the other, and has the whole answer of each."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[bytes] | None = None
        self._pieces: list[bytes] = []
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None

    async def ask(self, request: bytes) -> bytes:
        if self._transport is None:
            raise ConnectionResetError("the server has closed the connection")
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    @override
    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("the server closed"))

    def on_body(self, body: bytes) -> None:
        self._pieces.append(body)

    def on_message_complete(self) -> None:
        whole, self._pieces = b"".join(self._pieces), []
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(whole)


@dataclass(slots=True)
class _Found:
    times: list[float] = field(default_factory=list)
    failed: int = 0
    failure: str = ""


async def _ask(url: str, body: str, at_once: int, seconds: float) -> dict[str, Any]:
    where = urlsplit(url)
    content = body.encode()
    request = (
        f"POST {where.path} HTTP/1.1\r\nhost: {where.netloc}\r\naccept: application/json\r\n"
        f"content-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
    ).encode() + content
    loop = asyncio.get_running_loop()
    found = _Found()
    used, began = time.process_time(), time.perf_counter()

    async def one() -> None:
        connection: _Connection | None = None
        while time.perf_counter() < began + seconds:
            sent = time.perf_counter()
            try:
                async with asyncio.timeout(_ANSWER_SECONDS):
                    if connection is None:
                        _, connection = await loop.create_connection(
                            _Connection, where.hostname or "127.0.0.1", where.port or 80
                        )
                    answer = await connection.ask(request)
            except (OSError, TimeoutError) as error:
                failure = repr(error)
                if connection is not None:
                    connection.close()
                    connection = None
            else:
                whole = answer.startswith(b'{"data":{') and b'"errors":' not in answer
                failure = "" if whole else answer[:_SHOWN].decode(errors="replace")
            if failure:
                found.failed += 1
                found.failure = found.failure or failure
            else:
                found.times.append(1000 * (time.perf_counter() - sent))
        if connection is not None:
            connection.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(one())
    return {
        "times": found.times,
        "failed": found.failed,
        "failure": found.failure,
        "elapsed": time.perf_counter() - began,
        "cpu": time.process_time() - used,
    }


async def main() -> None:
    """Ask whenever told to."""
    while (order := await told()) is not None:
        say(**await _ask(**order))


if __name__ == "__main__":
    uvloop.run(main())
