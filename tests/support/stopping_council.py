"""The command `council`, whose process stops itself in the moment before one call is sent, as if it were paused there.

    STOP_BEFORE='*-b1-s1' python -P tests/support/stopping_council.py serve

It goes on with SIGCONT, and is not stopped again.
"""

from __future__ import annotations

import os
import signal
from fnmatch import fnmatch

import httpx
from httpx_aiohttp import AiohttpTransport

from orchestrator.cli import main


def stop_before(pattern: str) -> None:
    """Have the process stopped once all was looked at and before a connection is asked for, at a call for a turn like that."""
    send = AiohttpTransport.handle_async_request
    stopped = False

    async def stop_and_send(self: AiohttpTransport, request: httpx.Request) -> httpx.Response:
        nonlocal stopped
        if not stopped and fnmatch(request.headers.get("X-Request-Id", ""), pattern):
            stopped = True
            os.kill(os.getpid(), signal.SIGSTOP)
        return await send(self, request)

    AiohttpTransport.handle_async_request = stop_and_send  # type: ignore[method-assign]


if __name__ == "__main__":
    stop_before(os.environ["STOP_BEFORE"])
    main()
