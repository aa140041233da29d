"""The lookout: one look a second in the graph, for all who follow anything in this process.

What other processes write is seen by it alone; who follows is woken where something moved, and reads nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping

from orchestrator.domain.errors import UnavailableError
from orchestrator.engine.events import Moved
from orchestrator.engine.following import Board
from orchestrator.engine.ports import News, Place

_EVERY_SECONDS = 1.0


class Lookout:
    """Sees what other processes do; `run` must be running."""

    def __init__(self, board: Board, news: News) -> None:
        self._board = board
        self._news = news
        self._seen: Mapping[str, Place | None] = {}
        """Where what is followed stood at the last look; none: it was not there."""

    async def run(self) -> None:
        """Look until cancelled; while nobody follows anything, nothing is read."""
        while True:
            await self._board.until_followed()
            # While the graph is away nothing moves; that it is, the lease tells.
            with contextlib.suppress(UnavailableError):
                await self._look()
            await asyncio.sleep(_EVERY_SECONDS)

    async def _look(self) -> None:
        followed = self._board.all_followed()
        there = await self._news.places(followed)
        before, self._seen = self._seen, {id_: there.get(id_) for id_ in followed}
        for id_, place in self._seen.items():
            known = before.get(id_)
            if id_ not in before or known != place:
                self._board.post(
                    Moved(
                        deliberation=id_,
                        sequence=None if place is None else place.sequence,
                        changed=known is None or place is None or known.status is not place.status,
                    )
                )
