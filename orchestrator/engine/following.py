"""Who follows which deliberation in this process, and what he has not been given yet."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from weakref import WeakSet

from typing_extensions import override

from orchestrator.engine.events import LiveEvent, Moved

_MOST_WAITING = 1024
"""Live pieces that wait for a slow follower; older ones are dropped, and offsets show the gap."""


class Follower(AsyncIterator[LiveEvent]):
    """Yields what happens from the moment it was made."""

    __slots__ = ("__weakref__", "_asked", "_moved", "_waiting")

    def __init__(self) -> None:
        self._waiting: deque[LiveEvent] | None = None
        """None until there is something: most followers wait for long, and an empty queue takes memory, too."""
        self._moved: Moved | None = None
        self._asked: asyncio.Future[None] | None = None

    def give(self, event: LiveEvent) -> None:
        """Keep an event until the follower asks; of several Moved one is enough."""
        if isinstance(event, Moved):
            self._moved = event.after(self._moved)
        else:
            if self._waiting is None:
                self._waiting = deque(maxlen=_MOST_WAITING)
            self._waiting.append(event)
        if self._asked is not None and not self._asked.done():
            self._asked.set_result(None)

    @override
    async def __anext__(self) -> LiveEvent:
        # What was spoken before the turn was recorded goes out before the news that it was.
        if not self._waiting and self._moved is None:
            self._asked = asyncio.get_running_loop().create_future()
            await self._asked
        if self._waiting:
            event = self._waiting.popleft()
            if not self._waiting:
                self._waiting = None
            return event
        moved, self._moved = self._moved, None
        if moved is None:
            raise RuntimeError("a follower is asked by one at a time")
        return moved


class Board:
    """Where the engine posts what happens; a follower who is let go of is forgotten."""

    def __init__(self, on_change: Callable[[], None] = lambda: None) -> None:
        """`on_change` is called where a deliberation has got another status in this process."""
        self._on_change = on_change
        self._followers: defaultdict[str, WeakSet[Follower]] = defaultdict(WeakSet)
        self._anyone = asyncio.Event()

    def follow(self, deliberation: str) -> Follower:
        """Register at once, so that nothing that happens after the call is missed."""
        follower = Follower()
        self._followers[deliberation].add(follower)
        self._anyone.set()
        return follower

    def followed(self, deliberation: str) -> bool:
        """Whether anyone would hear."""
        return bool(self._followers.get(deliberation))

    def all_followed(self) -> frozenset[str]:
        """Return the deliberations that anyone follows."""
        for forgotten in [key for key, left in self._followers.items() if not left]:
            del self._followers[forgotten]
        return frozenset(self._followers)

    async def until_followed(self) -> None:
        """Return once anyone follows anything."""
        while not self.all_followed():
            self._anyone.clear()
            await self._anyone.wait()

    def post(self, event: LiveEvent) -> None:
        """Give an event to those who follow its deliberation."""
        if isinstance(event, Moved) and event.changed:
            self._on_change()
        if self.followed(event.deliberation):
            for follower in self._followers[event.deliberation]:
                follower.give(event)
