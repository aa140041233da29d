"""A feed: what has changed in the graph, whichever process changed it, to those who listen here.

Neo4j does not say what was committed since. So each change has its time in the graph, by the server's clock, and a look
asks for all since the last look less the longest that a transaction may take: what was written before and committed
late is among it. After a long cut it is left to several looks, one right after the other. What was told already is known by its key, and is not told again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Hashable, Sequence
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import structlog

from orchestrator.domain.errors import GivenUpError, UnavailableError
from orchestrator.engine.audience import Audience, Listener
from orchestrator.engine.ports import Change, Look

T = TypeVar("T")
U = TypeVar("U")

_log = structlog.get_logger(__name__)

_EVERY_SECONDS = 1.0
_LEAST_PAUSE = 0.05
"""Seconds between two looks, however much this process changes."""

_TOGETHER = 100
"""Changes that are read and told together: far fewer than may wait for one listener, and no large transaction."""

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
        """Up to when the last look went."""
        self._known: frozenset[Hashable] = frozenset()
        """The keys of what it found, and of what the one that is under way has told."""
        self._held_up = False

    def listen(self, wants: Callable[[T], bool] = lambda _: True) -> Listener[T, U]:
        """Listen from now on; some changes of the second before may be among what is told."""
        return self._audience.listen(wants)

    def look(self) -> None:
        """Look at once: something has changed, such as by this process."""
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
                    await self._look(began)
                except GivenUpError as error:
                    if not self._held_up:
                        _log.warning("changes_held_up", what=error.what)
                    self._held_up = True
                except UnavailableError:
                    # While the graph is away nothing changes; what was committed before is found when it is back.
                    pass
                except Exception as error:  # noqa: BLE001 - whoever listens is told, and the log with him
                    self._audience.end(error)
                else:
                    if self._held_up:
                        _log.info("changes_go_on")
                    self._held_up = False
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
        wanted = [
            change
            for change in found.changes
            if change.key not in self._known
            and (after is None or change.at > after)
            and self._audience.wants(change.what)
        ]
        for start in range(0, len(wanted), _TOGETHER):
            if start:
                await self._until_heard()
            await self._tell(wanted[start : start + _TOGETHER])
        # What is not found any more is too old to be found again.
        self._last, self._known = found.at, frozenset(change.key for change in found.changes)
        if found.more:
            await self._until_heard()
            self.look()

    async def _tell(self, changes: Sequence[Change[T]]) -> None:
        for what, filled in await self._filling([change.what for change in changes]):
            self._audience.tell(what, filled)
        # Where those that come after them cannot be read now, they are not told again with them.
        self._known |= {change.key for change in changes}

    async def _until_heard(self) -> None:
        """Give listeners time to read what was told: who does must not be taken for one who does not, however much there is."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_EVERY_SECONDS):
                while self._audience.behind:  # noqa: ASYNC110 - each listener would have to tell of each change that he read
                    await asyncio.sleep(_LEAST_PAUSE)
