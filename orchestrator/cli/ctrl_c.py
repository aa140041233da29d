"""Ctrl-C, where it means something else than to stop at once."""

from __future__ import annotations

import asyncio
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Coroutine

T = TypeVar("T")


class CtrlC:
    """Each time that it was pressed, in order: none is lost between two looks."""

    def __init__(self) -> None:
        """Hear of nothing yet: `heard` does."""
        self.presses: asyncio.Semaphore = asyncio.Semaphore(0)
        self.left: set[asyncio.Task[object]] = set()
        """What was broken off, and may still be closing its connections."""

    async def during(self, work: Coroutine[object, object, T]) -> T | None:
        """Return what came of the work; none, and the work is broken off, where it was pressed before."""
        doing = asyncio.create_task(work)
        pressing = asyncio.create_task(self.presses.acquire())
        try:
            await asyncio.wait({doing, pressing}, return_when=asyncio.FIRST_COMPLETED)
            return doing.result() if doing.done() else None
        finally:
            pressing.cancel()
            doing.cancel()
            self.left.add(doing)

    async def within(self, seconds: float) -> bool:
        """Whether it is pressed (again) within so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                return await self.presses.acquire()
        except TimeoutError:
            return False


@asynccontextmanager
async def heard() -> AsyncGenerator[CtrlC]:
    """Take Ctrl-C from whoever else would hear it, while the block runs."""
    loop = asyncio.get_running_loop()
    ctrl_c = CtrlC()
    before = signal.getsignal(signal.SIGINT)
    loop.add_signal_handler(signal.SIGINT, ctrl_c.presses.release)
    try:
        yield ctrl_c
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, before)
        if ctrl_c.left:
            await asyncio.wait(ctrl_c.left)
