"""Whether this process still holds what it claimed, by its own clock."""

from __future__ import annotations

import asyncio
from datetime import timedelta


class Lease:
    """Counts from when the renewal was sent, on the monotonic clock: the graph's lease ends no earlier.

    A process that was stopped, or that cannot reach the graph, finds its lease run out before it
    asks a model again; what it had received is recorded if nobody overtook it.
    """

    def __init__(self, duration: timedelta) -> None:
        self.duration: timedelta = duration
        self._until: float = 0.0
        self._held_from: float = 0.0
        """Since when it has held without a gap."""
        self._renewed = asyncio.Condition()

    @staticmethod
    def now() -> float:
        """Return seconds on the clock that leases are counted on."""
        return asyncio.get_running_loop().time()

    @property
    def ran_out(self) -> bool:
        """Whether the lease does not hold now."""
        return self.now() >= self._until

    def held_since(self, moment: float) -> bool:
        """Whether it has held all the time since a moment, taken from `now`."""
        return self._held_from <= moment and not self.ran_out

    async def renew(self, sent: float) -> None:
        """Count anew from `sent`, taken from `now` before the renewal was sent."""
        async with self._renewed:
            if self.ran_out:
                # In the gap somebody may have taken over, up to the renewal, which was made before its answer came.
                self._held_from = self.now()
            self._until = sent + self.duration.total_seconds()
            self._renewed.notify_all()

    async def held(self) -> None:
        """Wait until the lease holds."""
        if not self.ran_out:
            return
        async with self._renewed:
            await self._renewed.wait_for(lambda: not self.ran_out)
