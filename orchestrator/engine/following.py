"""Who follows which deliberation in this process, and what he has not been given yet."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from weakref import WeakSet

from typing_extensions import override

from orchestrator.engine.events import LiveEvent, Moved

_POLL_SECONDS = 1.0
"""Another process may run the deliberation: so often a follower looks without having been told."""

_MOST_WAITING = 1024
"""Live pieces that wait for a slow follower; older ones are dropped, and offsets show the gap."""


class Follower(AsyncIterator[LiveEvent | None]):
    """Yields what happens from the moment it was made; None once a second at least."""

    def __init__(self) -> None:
        self._waiting: deque[LiveEvent] = deque(maxlen=_MOST_WAITING)
        self._moved: Moved | None = None
        self._news = asyncio.Event()

    def give(self, event: LiveEvent) -> None:
        """Keep an event until the follower asks; of several Moved one is enough."""
        if isinstance(event, Moved):
            self._moved = event
        else:
            self._waiting.append(event)
        self._news.set()

    @override
    async def __anext__(self) -> LiveEvent | None:
        # What was spoken before the turn was recorded goes out before the news that it was.
        if not self._waiting and self._moved is None:
            self._news.clear()
            try:
                async with asyncio.timeout(_POLL_SECONDS):
                    await self._news.wait()
            except TimeoutError:
                return None
        if self._waiting:
            return self._waiting.popleft()
        moved, self._moved = self._moved, None
        return moved


class Board:
    """Where the engine posts what happens; a follower who is let go of is forgotten."""

    def __init__(self) -> None:
        self._followers: defaultdict[str, WeakSet[Follower]] = defaultdict(WeakSet)

    def follow(self, deliberation: str) -> Follower:
        """Register at once, so that nothing that happens after the call is missed."""
        for forgotten in [key for key, left in self._followers.items() if not left]:
            del self._followers[forgotten]
        follower = Follower()
        self._followers[deliberation].add(follower)
        return follower

    def followed(self, deliberation: str) -> bool:
        """Whether anyone would hear."""
        return bool(self._followers.get(deliberation))

    def post(self, event: LiveEvent) -> None:
        """Give an event to those who follow its deliberation."""
        if self.followed(event.deliberation):
            for follower in self._followers[event.deliberation]:
                follower.give(event)
