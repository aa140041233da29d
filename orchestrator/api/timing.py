"""How long an operation may take, and what is told where it takes longer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")

MOST_SECONDS = 25.0
"""Less than clients wait: so it is told, and not guessed, what became of it. The first statements of a Neo4j that has just
started take seconds each, so less would refuse what only needs patience. Each statement alone may take 15 s."""


class OutOfTimeError(Exception):
    """What was waited for has not come, and nobody waits for it any more."""


class Time:
    """What is left to one operation. What it was asked to wait for does not count."""

    def __init__(self, seconds: float) -> None:
        """It runs from now on."""
        self.seconds: float = seconds
        self._began = time.monotonic()
        self._until = self._began + seconds
        self._under_way: set[asyncio.Timeout] = set()

    @property
    def age(self) -> float:
        """For how many seconds the operation has been under way."""
        return time.monotonic() - self._began

    @property
    def is_over(self) -> bool:
        """Whether nothing more may be begun."""
        return time.monotonic() >= self._until

    def allow(self, seconds: float) -> None:
        """Let it take so much longer, as it was asked to wait; of several waits at the same time, the longest."""
        self._until = max(self._until, self._began + seconds + self.seconds)
        for timeout in self._under_way:
            timeout.reschedule(self._when())

    async def within(self, awaitable: Awaitable[T]) -> T:
        """Wait for something as long as there is time.

        Raises:
            OutOfTimeError: it was cancelled, as the time is over.
        """
        timeout = asyncio.timeout_at(self._when())
        try:
            async with timeout:
                self._under_way.add(timeout)
                try:
                    return await awaitable
                finally:
                    self._under_way.discard(timeout)
        except TimeoutError:
            if timeout.expired():
                raise OutOfTimeError from None
            raise

    def _when(self) -> float:
        """When it is over, on the loop's clock."""
        return asyncio.get_running_loop().time() + self._until - time.monotonic()
