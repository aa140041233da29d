"""What memory costs that nobody has touched for a while: on some virtual machines far more than on others.

Whoever answers after each pause, as a database and a service do, pays it each time; the more memory it is, the more.
"""

from __future__ import annotations

import asyncio
import mmap
import time

from tests.benchmarks.results import Figure

_PAGES = 2_000
_PAUSES = (0.0, 0.05)
_TIMES = 15


async def idle_memory() -> list[Figure]:
    """Touch 8 MB page by page, right after it was touched and after 50 ms of nothing."""
    figures: list[Figure] = []
    with mmap.mmap(-1, _PAGES * mmap.PAGESIZE) as memory:
        _touch(memory)
        for pause in _PAUSES:
            taken: list[float] = []
            for _ in range(_TIMES):
                await asyncio.sleep(pause)
                began = time.perf_counter()
                _touch(memory)
                taken.append(1000 * (time.perf_counter() - began))
            figures.append(
                Figure(
                    what=f"{_PAGES:,} pages of memory touched, after {1000 * pause:g} ms",
                    unit="ms",
                    values=tuple(taken),
                )
            )
    return figures


def _touch(memory: mmap.mmap) -> None:
    for start in range(0, len(memory), mmap.PAGESIZE):
        memory[start] = 1
