"""The API, loaded when it is opened: its types are half of all that a service loads, and no deliberation needs them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager

from orchestrator.api.ports import Ports
from orchestrator.service.loading import to_stay


@contextlib.asynccontextmanager
async def api_open(ports: Ports, listener: socket.socket) -> AsyncGenerator[None]:
    """Have it answer while the block runs; deliberations go on while it is loaded."""
    async with await asyncio.to_thread(_loaded, ports, listener):
        yield


def _loaded(ports: Ports, listener: socket.socket) -> AbstractAsyncContextManager[None]:
    with to_stay():
        from orchestrator.api.app import build_app  # noqa: PLC0415 - see above
        from orchestrator.api.listening import listening  # noqa: PLC0415

    return listening(build_app(lambda: ports), listener)
