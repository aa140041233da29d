"""Those who are told of every change of one kind, each as fast as he listens."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Generic, TypeVar
from weakref import WeakSet

from typing_extensions import override

from orchestrator.domain.errors import TooSlowError

T = TypeVar("T")
U = TypeVar("U")

_MOST_WAITING = 1024
"""Changes that wait for one listener: with more he is let go of, as he would never know what he missed."""


class Listener(AsyncIterator[U], Generic[T, U]):
    """Yields what is told of every change since it was made; raises why it ended, such as TooSlowError."""

    def __init__(self, wants: Callable[[T], bool]) -> None:
        """`wants` says of which changes."""
        self.wants: Callable[[T], bool] = wants
        self._waiting: deque[U] = deque()
        self._ended: Exception | None = None
        self._news = asyncio.Event()

    @property
    def behind(self) -> bool:
        """Whether something waits to be asked for."""
        return bool(self._waiting)

    def tell(self, told: U) -> None:
        """Keep it until it is asked for."""
        if len(self._waiting) == _MOST_WAITING:
            self._waiting.clear()
            self.end(TooSlowError(_MOST_WAITING))
        if self._ended is None:
            self._waiting.append(told)
            self._news.set()

    def end(self, reason: Exception) -> None:
        """Tell nothing more than what waits, and then the reason."""
        if self._ended is None:
            self._ended = reason
        self._news.set()

    @override
    async def __anext__(self) -> U:
        while not self._waiting:
            if self._ended is not None:
                raise self._ended
            self._news.clear()
            await self._news.wait()
        return self._waiting.popleft()


class Audience(Generic[T, U]):
    """The listeners; one that is let go of is forgotten. They choose by a change, and are told what came of it."""

    def __init__(self) -> None:
        self._listeners: WeakSet[Listener[T, U]] = WeakSet()
        self._anyone = asyncio.Event()

    def __bool__(self) -> bool:
        """Whether anyone listens."""
        return bool(self._listeners)

    def listen(self, wants: Callable[[T], bool] = lambda _: True) -> Listener[T, U]:
        """Listen from now on."""
        listener = Listener[T, U](wants)
        self._listeners.add(listener)
        self._anyone.set()
        return listener

    async def until_anyone(self) -> None:
        """Return once anyone listens."""
        while not self:
            self._anyone.clear()
            await self._anyone.wait()

    @property
    def behind(self) -> bool:
        """Whether anyone has not read yet what he was told."""
        return any(listener.behind for listener in self._listeners)

    def wants(self, change: T) -> bool:
        """Whether anyone would be told of a change."""
        return any(listener.wants(change) for listener in self._listeners)

    def tell(self, change: T, told: U) -> None:
        """Tell those who want it."""
        for listener in self._listeners:
            if listener.wants(change):
                listener.tell(told)

    def end(self, reason: Exception) -> None:
        """Tell nothing more to those who listen now."""
        for listener in tuple(self._listeners):
            listener.end(reason)
            self._listeners.discard(listener)
