"""Serving the app on a socket; signals are handled elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, Generator

import uvicorn
from starlette.applications import Starlette
from typing_extensions import override

from orchestrator.api.body import MOST_BYTES
from orchestrator.api.connections.http import PatientHttp
from orchestrator.api.connections.websocket import PatientSocket

_CLOSING_SECONDS = 5
"""How long open streams may take to end; without a bound one of them would hold the end for ever."""

_IDLE_SECONDS = 75
"""How long a connection is kept between two requests. Longer than clients and balancers keep theirs (httpx 5 s, most balancers 60 s):
of the two the service must not be the one to close, or it may do so while the next request is on its way."""


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    @override
    def capture_signals(self) -> Generator[None, None, None]:
        # A signal first drains the engine; uvicorn's own handler would close the API before that.
        yield


@contextlib.asynccontextmanager
async def listening(app: Starlette, listener: socket.socket) -> AsyncGenerator[None]:
    """Serve the app while the block runs; open connections then get a few seconds to end.

    WebSockets are closed with 1012, service restart, and server-sent events break off: clients make another connection.
    """
    server = _Server(
        uvicorn.Config(
            app,
            http=PatientHttp,
            ws=PatientSocket,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            ws_max_size=MOST_BYTES,
            timeout_keep_alive=_IDLE_SECONDS,
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
