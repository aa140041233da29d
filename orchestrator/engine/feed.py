"""A feed: what has changed in the graph, whichever process changed it, to those who listen here.

Neo4j does not say what was committed since. So each change has its time in the graph, by the server's clock, and a look
asks for all since the last look less the longest that a transaction may take: what was written before and committed
late is among it. What was told already is known by its key, and is not told again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Hashable, Sequence
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from orchestrator.domain.errors import UnavailableError
from orchestrator.engine.audience import Audience, Listener
from orchestrator.engine.ports import Look

T = TypeVar("T")
U = TypeVar("U")

_EVERY_SECONDS = 1.0
_LEAST_PAUSE = 0.05
"""Seconds between two looks, however much this process changes."""

_JUST_NOW = timedelta(seconds=1)
"""Who listens first is told of what happened so shortly before, as is everybody who comes after him."""


Looking = Callable[[datetime | None], Awaitable[Look[T]]]
"""Looks for what has changed since the last look, or recently where there was none. Raises UnavailableError."""


Filling = Callable[[Sequence[T]], Awaitable[Sequence[tuple[T, U]]]]
"""Reads what is told of changes, once for all who listen; what is not there any more is left out. Raises UnavailableError."""


class Feed(Generic[T, U]):
    """Tells changes; `run` must be running. While nobody listens, nothing is read."""

    def __init__(self, looking: Looking[T], filling: Filling[T, U]) -> None:
        self._looking = looking
        self._filling = filling
        self._audience: Audience[T, U] = Audience()
        self._changed = asyncio.Event()
        self._last: datetime | None = None
        """When the last look began."""
        self._known: frozenset[Hashable] = frozenset()
        """The keys of what it found."""

    def listen(self, wants: Callable[[T], bool] = lambda _: True) -> Listener[T, U]:
        """Listen from now on; some changes of the second before may be among what is told."""
        return self._audience.listen(wants)

    def look(self) -> None:
        """Look at once: this process has changed something."""
        self._changed.set()

    async def run(self) -> None:
        """Look once a second, and at each change of this process, until cancelled."""
        while True:
            await self._audience.until_anyone()
            began = asyncio.get_running_loop().time()
            self._last, self._known = None, frozenset()
            while self._audience:
                self._changed.clear()
                try:
                    # While the graph is away nothing changes; what was committed before is found when it is back.
                    with contextlib.suppress(UnavailableError):
                        await self._look(began)
                except Exception as error:  # noqa: BLE001 - whoever listens is told, and the log with him
                    self._audience.end(error)
                await asyncio.sleep(_LEAST_PAUSE)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_EVERY_SECONDS):
                        await self._changed.wait()

    async def _look(self, began: float) -> None:
        found = await self._looking(self._last)
        after = None
        if self._last is None:
            # However long the first look took, or was in vain: who listens does so from then on.
            listened = timedelta(seconds=asyncio.get_running_loop().time() - began)
            after = found.at - listened - _JUST_NOW
        new = [
            change.what
            for change in found.changes
            if change.key not in self._known and (after is None or change.at > after)
        ]
        wanted = [change for change in new if self._audience.wants(change)]
        told = await self._filling(wanted) if wanted else ()
        # What is not found any more is too old to be found again.
        self._last, self._known = found.at, frozenset(change.key for change in found.changes)
        for change, filled in told:
            self._audience.tell(change, filled)
