"""The clock of an event loop, which goes on as a test says."""

from __future__ import annotations

import asyncio


class LoopClock:
    """What the running loop goes by from now on; `monkeypatch.setattr(loop, "time", clock.time)` puts it in."""

    def __init__(self) -> None:
        self._now = asyncio.get_running_loop().time()

    def time(self) -> float:
        return self._now

    async def advance(self, seconds: float) -> None:
        """Let so much time go by, and what is due then happen."""
        self._now += seconds
        # Once round for the timers, once for those whom they wake.
        for _ in range(3):
            await asyncio.sleep(0)
