"""Serving the app on a socket: whose signals are handled elsewhere, and whose port is named where it is taken."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncGenerator, Generator

import uvicorn
from starlette.applications import Starlette
from typing_extensions import override

from orchestrator.api.body import MOST_BYTES
from orchestrator.domain.errors import CouncilError

_CLOSING_SECONDS = 5
"""How long open streams may take to end; without a bound one of them would hold the end for ever."""


class CannotListenError(CouncilError):
    """The address to listen on is not to be had."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        """`reason` is in words."""
        self.host: str = host
        self.port: int = port
        super().__init__(
            f"cannot listen on {host} port {port}: {reason}; COUNCIL_PORT sets another port, COUNCIL_HOST another address"
        )


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    @override
    def capture_signals(self) -> Generator[None, None, None]:
        # A signal first drains the engine; uvicorn's own handler would close the API before that.
        yield


def bind(host: str, port: int) -> socket.socket:
    """Take the address, before anything else is started.

    Raises:
        CannotListenError: the port is taken, or the address is not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as exc:
        listener.close()
        taken = exc.errno == errno.EADDRINUSE
        reason = "another program has it" if taken else exc.strerror or str(exc)
        raise CannotListenError(host, port, reason) from exc
    listener.settimeout(0)
    return listener


@contextlib.asynccontextmanager
async def listening(app: Starlette, listener: socket.socket) -> AsyncGenerator[None]:
    """Serve the app while the block runs; open connections then get a few seconds to end.

    WebSockets are closed with 1012, service restart, and server-sent events break off: clients make another connection.
    """
    server = _Server(
        uvicorn.Config(
            app,
            http="httptools",
            ws="websockets-sansio",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            ws_max_size=MOST_BYTES,
            timeout_graceful_shutdown=_CLOSING_SECONDS,
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="http")
    try:
        while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.002)
        yield
    except BaseException:
        # Not in order: nobody is waited for.
        server.force_exit = True
        raise
    finally:
        app.state.streams.close()
        server.should_exit = True
        await serving
