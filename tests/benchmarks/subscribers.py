"""Subscribers to whom nothing happens: what a thousand of them cost the process that serves them, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp

from tests.benchmarks.api import Api, open_api
from tests.benchmarks.bench import Bench, document
from tests.benchmarks.processes import cpu_seconds, resident_bytes
from tests.benchmarks.quiet_service import QuietService
from tests.benchmarks.results import Figure, Report, load
from tests.support.model_behaviour import Behaviour
from tests.support.model_server import ModelServer

_SILENT = Behaviour(pieces=2_000, length=2_000, pace=60.0)
"""An agent speaks for longer than anybody waits, and says nothing that others hear."""

_MANY = 1_000
_AT_ONCE = 20
_IDLE_SECONDS = 15.0
_SETTLE_SECONDS = 3.0
"""Until the last subscriber's deliberation was read."""

_WARM = 50
"""Subscribers before the first that is counted: what is loaded once is not theirs."""


async def measure(bench: Bench) -> Report:
    """Count memory before and after, and processor time while nothing happens."""
    before = load()
    count = 50 if bench.quick else _MANY
    idle = 2.0 if bench.quick else _IDLE_SECONDS
    figures: list[Figure] = []
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(bench.empty_graph())
        model = await stack.enter_async_context(ModelServer(behaviour=_SILENT))
        service = QuietService(
            home=bench.home("subscribers"),
            environment={
                **bench.server.environment,
                "VLLM_URL": model.url,
                "VLLM_MODEL": "tiny",
                # What is accepted waits: it is followed, and nothing happens to it.
                "COUNCIL_CONCURRENCY": "1",
                "COUNCIL_CLIENT_CONNECTIONS": str(_MANY + _WARM),
            },
        )
        await stack.enter_async_context(service)
        await service.ready()
        async with open_api(service.url) as api:
            bench.tell(f"  accepting {count} deliberations …")
            ids = await _accepted(api, count)
        for name, followed in (("one deliberation", ids[-1:]), ("each another one", ids)):
            bench.tell(f"  {name} …")
            # A new process: what the last one had taken is not given to the next subscribers.
            await service.kill()
            await service.start()
            await service.ready()
            many = [followed[number % len(followed)] for number in range(count)]
            figures += await _figures(service, name, many, idle)
    return Report(
        name="subscribers",
        figures=tuple(figures),
        remarks=(
            "Each subscriber has a WebSocket of its own, offers permessage-deflate as browsers do, has been told the events so far, and waits.",
            "Memory is what the process has resident, Python's allocator included, and not the kernel's buffers.",
        ),
        load_before=before,
        load_after=load(),
    )


async def _figures(
    service: QuietService, name: str, followed: Sequence[str], idle: float
) -> list[Figure]:
    async with _subscribed(service.url, followed[:_WARM]):
        pass
    count = len(followed)
    alone = await _cpu_share(service.pid, idle)
    memory = resident_bytes(service.pid)
    async with _subscribed(service.url, followed):
        busy = await _cpu_share(service.pid, idle)
        grown = resident_bytes(service.pid) - memory
    return [
        Figure(
            what=f"{count} subscribers, {name}: memory of the service",
            unit="MB",
            values=(grown / 1e6,),
            target="under 50" if count == _MANY else "",
        ),
        Figure(
            what=f"{name}: processor time while nothing happens, beyond that without subscribers",
            unit="ms a second",
            values=(1000 * (busy - alone),),
        ),
    ]


async def _accepted(api: Api, count: int) -> list[str]:
    """Have deliberations accepted, some at once; return their ids."""
    room = asyncio.Semaphore(_AT_ONCE)

    async def accept(number: int) -> str:
        async with room:
            return await api.deliberate(f"What is waited for, number {number}?")

    return await asyncio.gather(*(accept(number) for number in range(count)))


@asynccontextmanager
async def _subscribed(url: str, deliberations: Sequence[str]) -> AsyncGenerator[None]:
    """Follow each over a connection of its own, and wait until each follower was answered."""
    follow = document("follow.graphql")
    room = asyncio.Semaphore(_AT_ONCE)
    sockets: list[aiohttp.ClientWebSocketResponse] = []

    async def subscribe(session: aiohttp.ClientSession, deliberation: str) -> None:
        async with room:
            socket = await session.ws_connect(
                f"{url}/graphql",
                protocols=("graphql-transport-ws",),
                compress=15,
            )
            sockets.append(socket)
            await socket.send_json({"type": "connection_init"})
            await socket.receive_json()
            payload = {"query": follow, "variables": {"id": deliberation}}
            await socket.send_json({"id": "1", "type": "subscribe", "payload": payload})

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.gather(*(subscribe(session, one) for one in deliberations))
        listening = [asyncio.create_task(_listen(socket)) for socket in sockets]
        await asyncio.sleep(_SETTLE_SECONDS)
        yield
        for task in listening:
            if task.done():
                task.result()
            task.cancel()
        await asyncio.gather(*(socket.close() for socket in sockets))


async def _listen(socket: aiohttp.ClientWebSocketResponse) -> None:
    """Answer the service's pings, and read what had happened before: one of the deliberations was claimed."""
    while (message := await socket.receive()).type is aiohttp.WSMsgType.TEXT:
        if message.json()["type"] != "next":
            break
    raise AssertionError(f"the subscription ended: {message}")


async def _cpu_share(pid: int, seconds: float) -> float:
    """Return how many seconds of processor time a process takes a second."""
    before = cpu_seconds(pid)
    await asyncio.sleep(seconds)
    return (cpu_seconds(pid) - before) / seconds
