"""Locks between processes that end with the process, however it ends."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

_LOOK_AGAIN_SECONDS = 0.2


def take(path: Path) -> int | None:
    """Take the lock and leave our process id in it; answer what `release` needs, None if it is held."""
    # The file stays where it is: removing it would let two processes lock two files of one name.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    os.truncate(descriptor, 0)
    os.write(descriptor, str(os.getpid()).encode())
    return descriptor


def release(descriptor: int) -> None:
    """Let others take it."""
    os.close(descriptor)


def holder(path: Path) -> str:
    """Answer the process id that whoever holds the lock left in it; empty where it left none."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""


@asynccontextmanager
async def held(path: Path, *, doing: str, report: Callable[[str], None]) -> AsyncGenerator[None]:
    """Hold the lock, waiting for it as long as it takes; `report` is told of a process that is `doing` what we wait for."""
    descriptor = take(path)
    if descriptor is None:
        report(f"Waiting for process {holder(path)}, which is {doing}.")
    while descriptor is None:
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        descriptor = take(path)
    try:
        yield
    finally:
        release(descriptor)
