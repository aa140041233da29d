"""The changes that can be listened to: of deliberations from status to status, and of councils."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import structlog

from orchestrator.domain.councils import Council
from orchestrator.domain.deliberations import Deliberation
from orchestrator.domain.errors import UnreadableError
from orchestrator.domain.filters import DeliberationFilter
from orchestrator.domain.transitions import Transition, matches
from orchestrator.engine.feed import Feed
from orchestrator.engine.ports import CouncilVersion, News

T = TypeVar("T")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliberationChange:
    """A deliberation came to another status; it is as it is when this is told, which may be further on."""

    transition: Transition
    deliberation: Deliberation


class Changes:
    """Tells what changes in the graph, whichever process changed it; `run` must be running."""

    def __init__(self, news: News) -> None:
        self._news = news
        self._deliberations = Feed(news.transitions, self._of_deliberations)
        self._councils = Feed(news.councils, self._of_councils)

    def deliberations(self, where: DeliberationFilter) -> AsyncIterator[DeliberationChange]:
        """Listen to deliberations from now on, by the status that they had or the one that they got."""
        return self._deliberations.listen(lambda transition: matches(where, transition))

    def councils(self) -> AsyncIterator[Council]:
        """Listen to councils from now on."""
        return self._councils.listen()

    def look_at_deliberations(self) -> None:
        """Look at once: this process has brought one to another status."""
        self._deliberations.look()

    def look_at_councils(self) -> None:
        """Look at once: this process has changed one."""
        self._councils.look()

    async def run(self) -> None:
        """Look until cancelled."""
        async with asyncio.TaskGroup() as feeds:
            feeds.create_task(self._deliberations.run())
            feeds.create_task(self._councils.run())

    async def _of_deliberations(
        self, transitions: Sequence[Transition]
    ) -> list[tuple[Transition, DeliberationChange]]:
        ids = {one.course.deliberation for one in transitions}
        found = await _readable("deliberation", self._news.deliberations, ids)
        return [
            (one, DeliberationChange(transition=one, deliberation=found[one.course.deliberation]))
            for one in transitions
            if one.course.deliberation in found
        ]

    async def _of_councils(
        self, versions: Sequence[CouncilVersion]
    ) -> list[tuple[CouncilVersion, Council]]:
        ids = {version.council for version in versions}
        found = await _readable("council", self._news.councils_by_id, ids)
        return [
            (version, found[version.council]) for version in versions if version.council in found
        ]


async def _readable(
    kind: str, read: Callable[[Collection[str]], Awaitable[Mapping[str, T]]], ids: Collection[str]
) -> Mapping[str, T]:
    """Read them together, and each by itself where one cannot be read: of the others everybody is told all the same."""
    try:
        return await read(ids)
    except UnreadableError:
        found: dict[str, T] = {}
        for id_ in ids:
            try:
                found |= await read([id_])
            except UnreadableError:
                _log.exception("change_unreadable", **{kind: id_})
        return found
