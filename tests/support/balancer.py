"""One address for several processes, as a service of Kubernetes is: new connections go to those that were ready when last looked at."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from types import TracebackType
from typing import Self, cast

import httpx

_LOOK_SECONDS = 0.2


class Balancer:
    """An async context manager that listens; it never tries a second process for a connection."""

    def __init__(self) -> None:
        self.url: str = ""
        self._ports: dict[int, bool] = {}
        self._client = httpx.AsyncClient(
            trust_env=False, timeout=10, limits=httpx.Limits(max_keepalive_connections=0)
        )
        self._turn = itertools.count()
        self._tasks: list[asyncio.Task[None]] = []
        self._connections: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = cast("tuple[str, int]", self._listener.sockets[0].getsockname())[1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._listener is not None:
            self._listener.close()
        for task in (*self._tasks, *self._connections):
            task.cancel()
        await asyncio.gather(*self._tasks, *self._connections, return_exceptions=True)
        await self._client.aclose()

    def add(self, port: int) -> None:
        """Ask a process from now on whether it is ready."""
        self._ports[port] = False
        self._tasks.append(asyncio.create_task(self._keep_looking(port)))

    async def look(self) -> None:
        """Ask each process now."""
        await asyncio.gather(*(self._look(port) for port in self._ports))

    @property
    def ready(self) -> list[int]:
        """The ports of the processes that were ready when last asked."""
        return [port for port, is_ready in self._ports.items() if is_ready]

    async def _keep_looking(self, port: int) -> None:
        while True:
            await self._look(port)
            await asyncio.sleep(_LOOK_SECONDS)

    async def _look(self, port: int) -> None:
        try:
            answer = await self._client.get(f"http://127.0.0.1:{port}/readyz")
            self._ports[port] = answer.is_success
        except httpx.TransportError:
            self._ports[port] = False

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
        ready = self.ready
        back: asyncio.StreamWriter | None = None
        try:
            if ready:
                port = ready[next(self._turn) % len(ready)]
                there, back = await asyncio.open_connection("127.0.0.1", port)
                await asyncio.gather(_pump(reader, back), _pump(there, writer))
        except OSError:
            pass
        finally:
            writer.transport.abort()
            if back is not None:
                back.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what comes, and that nothing more comes."""
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()
