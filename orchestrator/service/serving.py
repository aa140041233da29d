"""From the command to the end: the address, the parts, the API, and signals."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable

import structlog

from orchestrator.api.address import bind
from orchestrator.domain.addresses import in_url, url_here
from orchestrator.domain.errors import CouncilError
from orchestrator.identity.means import Means
from orchestrator.service.api import api_open
from orchestrator.service.callers import means_of
from orchestrator.service.parts import joined
from orchestrator.service.signals import on_signals
from orchestrator.settings import Settings

Hook = Callable[[str], Awaitable[None]]

_HEAD_START_SECONDS = 1.0
"""How long the API leaves the processor to the start: what was under way goes on before it is loaded. A graph that is away is not waited for."""

_log = structlog.get_logger(__name__)


async def serve(
    settings: Settings,
    *,
    on_step: Callable[[str], None] = lambda _: None,
    on_ready: Hook | None = None,
    on_stopping: Callable[[], Awaitable[None]] | None = None,
) -> int:
    """Run until SIGINT, SIGTERM or SIGHUP, then end in order; at a second signal without draining.

    `on_step` is told what the start waits for next, `on_ready` the URL of the API on this machine once it is ready; `on_stopping` is called before anything ends.

    Raises:
        CouncilError: it cannot start, or cannot go on.
    """
    means = means_of(settings)
    listener = bind(settings.host, settings.port)
    stop = on_signals()
    try:
        await _serve(
            settings,
            means,
            listener,
            stop,
            on_step=on_step,
            on_ready=on_ready,
            on_stopping=on_stopping,
        )
    except asyncio.CancelledError:
        if not stop.is_set():
            raise
        _log.warning("ended_at_once")
        return 128 + signal.SIGINT
    except Exception as error:
        if not _is_foreseen(error):
            _log.exception("service_died")
        raise
    _log.info("ended")
    return 0


async def _serve(
    settings: Settings,
    means: Means,
    listener: socket.socket,
    stop: asyncio.Event,
    *,
    on_step: Callable[[str], None],
    on_ready: Hook | None,
    on_stopping: Callable[[], Awaitable[None]] | None,
) -> None:
    async with joined(settings, means, on_step) as (service, ports, watching):
        port = listener.getsockname()[1]
        life = asyncio.create_task(service.live(), name="life")
        async with _ended(life):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_HEAD_START_SECONDS):
                    await _first_of(stop, service.ready, unless=(life, *watching))
            # The API answers until the life has ended.
            async with api_open(ports, listener, settings, means), _ended(life):
                _log.info(
                    "listening",
                    url=f"http://{in_url(settings.host)}:{port}",
                    rehearsal=service.rehearsal,
                    anonymous=means.anonymous or "nothing",
                )
                await _first_of(stop, service.ready, unless=(life, *watching))
                if on_ready is not None and service.ready.is_set() and not stop.is_set():
                    await on_ready(url_here(settings.host, port))
                await _first_of(stop, unless=(life, *watching))
                begun = service.ready.is_set()
                # Whoever finds a process killed sees by it that it was told to end, and since when.
                _log.info("ending", drain_seconds=settings.drain_seconds)
                service.end()
                if on_stopping is not None:
                    await on_stopping()
                if begun:
                    service.closing.set()
                    await life


def _is_foreseen(error: Exception) -> bool:
    """Whether what it says is all that helps, which whoever started the service is told."""
    if isinstance(error, ExceptionGroup):
        return error.split(CouncilError)[1] is None
    return isinstance(error, CouncilError)


@contextlib.asynccontextmanager
async def _ended(task: asyncio.Task[None]) -> AsyncGenerator[None]:
    """Have the task ended when the block is left, however that is."""
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _first_of(*events: asyncio.Event, unless: tuple[asyncio.Task[None], ...]) -> None:
    """Wait for one of the events; where one of the tasks dies before, raise what it died of."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait([*unless, *waits], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    for task in unless:
        if task.done():
            task.result()
