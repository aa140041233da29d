"""Debian's redis-server, for as long as a benchmark needs it: the key-value way of keeping councils."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import redis

from tests.benchmarks.processes import started
from tests.support.ports import free_port

INSTALL = "redis-server is not on the PATH, so nothing was compared with it. Debian, Ubuntu: sudo apt install redis-server"


@asynccontextmanager
async def open_redis(folder: Path) -> AsyncGenerator[redis.Redis | None]:
    """Start one that writes nothing to disk, and yield a client; none where it is not installed."""
    command = shutil.which("redis-server")
    if command is None:
        yield None
        return
    port = free_port()
    options = ("--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder))
    volatile = ("--save", "", "--appendonly", "no")
    async with started(command, *options, *volatile, says=False):
        with redis.Redis(host="127.0.0.1", port=port) as client:
            async with asyncio.timeout(10):
                await _answers(client)
            yield client


async def _answers(client: redis.Redis) -> None:
    while True:
        try:
            client.ping()
        except redis.ConnectionError:
            await asyncio.sleep(0.02)
        else:
            return
