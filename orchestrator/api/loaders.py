"""What the resolvers of one operation read by id: collected, so that a level costs one statement."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from functools import cached_property, partial
from itertools import chain
from typing import Any, NamedTuple, TypeVar, cast

from strawberry.dataloader import DataLoader, DefaultCache
from typing_extensions import override

from orchestrator.api.ports import Councils, Records
from orchestrator.domain.availability import Holding
from orchestrator.domain.callers import Authors
from orchestrator.domain.councils import Agent, Council, Endpoint, Model, Role
from orchestrator.domain.deliberations import Deliberation, Retries, Task
from orchestrator.domain.filters import DeliberationFilter
from orchestrator.domain.pages import Page, PageRequest
from orchestrator.domain.reading import Reading, read
from orchestrator.domain.statistics import CouncilStatistics, Period
from orchestrator.domain.transcripts import Transcript

K = TypeVar("K")
T = TypeVar("T")

_TOGETHER_SECONDS = 1.0
"""For how long others may read what one has read who was told the same."""


class DeliberationPage(NamedTuple):
    """Which page of which list, whether with seats, and whether nobody asks for the texts of their tasks."""

    page: PageRequest
    where: DeliberationFilter
    seated: bool
    brief: bool


class AsOf(NamedTuple):
    """A deliberation as it was at a sequence: what was said is read later, and goes no further than what is shown of it beside."""

    deliberation: str
    sequence: int
    ended: bool
    brief: bool
    """Whether nobody asks what was said and thought."""


def as_of(deliberation: Deliberation, *, brief: bool) -> AsOf:
    """What belongs to a deliberation as it was read."""
    return AsOf(deliberation.id, deliberation.sequence, deliberation.status.ended, brief)


class Shared(DataLoader[K, T]):
    """What several fields wait for is not theirs to cancel.

    Where one field fails, graphql-core cancels those beside it, and with a task goes what it waits for: others would be told that
    they had been cancelled, and the whole request with them.
    """

    def __init__(self, load_fn: Callable[[list[K]], Awaitable[Sequence[T]]]) -> None:
        self._known: DefaultCache[K, T] = DefaultCache()
        super().__init__(load_fn=load_fn, cache_map=self._known)

    @override
    def load(self, key: K) -> Awaitable[T]:
        return asyncio.shield(super().load(key))

    def known(self, key: K) -> T | None:
        """Return what has been read already; none where it has not, or there is none."""
        found = self._known.get(key)
        return found.result() if found is not None and _has_come(found) else None

    def let_go(self) -> None:
        """Read nothing more of what has not come: nobody waits for it."""
        for value in self._known.cache_map.values():
            value.cancel()


class Loaders:
    """One loader a kind of thing; each gives none for an id that leads nowhere.

    No loader refers back to this: what was read would otherwise stay after its operation until all garbage is looked for, which
    takes long where little comes to be.
    """

    def __init__(self, councils: Councils, records: Records) -> None:
        """Nothing is read until something is asked for, and no loader is made before."""
        self._councils = councils
        self._records = records
        self.highlights: dict[tuple[str, frozenset[str]], list[str]] = {}
        """By what was found and the words that were sought."""

    @cached_property
    def looking_through(self) -> asyncio.Lock:
        """Held by who looks through a text: one at a time."""
        return asyncio.Lock()

    @cached_property
    def roles(self) -> DataLoader[str, Role | None]:
        return _by_id(self._councils.roles_by_id)

    @cached_property
    def councils(self) -> DataLoader[str, Council | None]:
        councils, without_seats = self._councils, self.councils_without_seats

        async def fetch(ids: Collection[str]) -> Mapping[str, Council]:
            found = await councils.councils_by_id(ids, seated=True)
            without_seats.prime_many(found)
            return found

        return _by_id(fetch)

    @cached_property
    def councils_without_seats(self) -> DataLoader[str, Council | None]:
        return _by_id(partial(self._councils.councils_by_id, seated=False))

    @cached_property
    def agents(self) -> Shared[str, Agent | None]:
        return _by_id(self._councils.agents_by_id)

    @cached_property
    def busy(self) -> DataLoader[str, bool]:
        """Whether an agent has a seat in a running deliberation."""
        councils = self._councils

        async def load(agents: list[str]) -> list[bool]:
            busy = await councils.busy_agents()
            return [agent in busy for agent in agents]

        return Shared(load_fn=load)

    @cached_property
    def models(self) -> DataLoader[str, Model | None]:
        return _by_id(self._councils.models_by_id)

    @cached_property
    def endpoints(self) -> DataLoader[str, Endpoint | None]:
        return _by_id(self._councils.endpoints_by_id)

    @cached_property
    def tasks(self) -> DataLoader[str, Task | None]:
        return _by_id(self._records.tasks_by_id)

    @cached_property
    def deliberations(self) -> DataLoader[str, Deliberation | None]:
        records, know_agents = self._records, _knowing(self.agents)

        async def fetch(ids: Collection[str]) -> Mapping[str, Deliberation]:
            found = await records.deliberations_by_id(ids)
            know_agents(found.values())
            return found

        return _by_id(fetch)

    @cached_property
    def deliberation_pages(self) -> DataLoader[DeliberationPage, Page[Deliberation]]:
        return _pages(self._records, _knowing(self.agents))

    @cached_property
    def deliberation_counts(self) -> DataLoader[DeliberationFilter, int]:
        return _counts(self._records)

    @cached_property
    def retries(self) -> DataLoader[str, Retries | None]:
        return _by_id(self._records.retries)

    @cached_property
    def statistics(self) -> DataLoader[Period, CouncilStatistics | None]:
        return _by_id(self._records.statistics)

    @cached_property
    def authors(self) -> DataLoader[str, Authors | None]:
        return _by_id(self._records.authors)

    @cached_property
    def readings(self) -> DataLoader[AsOf, Reading]:
        return _readings(self._records)

    @cached_property
    def holdings(self) -> DataLoader[str, Holding | None]:
        return _by_id(self._records.holdings)

    def know_council(self, council: Council) -> None:
        """It was read already, with its seats."""
        for loader in (self.councils, self.councils_without_seats):
            loader.prime(council.id, council)

    def let_go(self) -> None:
        """End what is being read: nobody waits for it."""
        for loader in vars(self).values():
            if isinstance(loader, Shared):
                cast("Shared[Any, Any]", loader).let_go()


class LoadersTogether(Loaders):
    """Those of all who are told the same: what they ask of it is read once for all of them."""

    def __init__(self, councils: Councils, records: Records, told: object) -> None:
        """`told` is kept as long as these are, since they are found by where it lies in memory."""
        super().__init__(councils, records)
        self.told: object = told
        self.holders: int = 0
        """How many read by these."""
        self._since = time.monotonic()

    @property
    def fresh(self) -> bool:
        """Whether another may still join: who comes later is not told what was so, or could not be read, long before."""
        return time.monotonic() - self._since < _TOGETHER_SECONDS

    @override
    def let_go(self) -> None:
        if self.holders <= 1:
            # Nobody else waits for it.
            super().let_go()


def _knowing(agents: DataLoader[str, Agent | None]) -> Callable[[Iterable[Deliberation]], None]:
    """Who sits on deliberations was read with them, as he is now, and need not be read again."""

    def know(deliberations: Iterable[Deliberation]) -> None:
        agents.prime_many({s.agent.id: s.agent for one in deliberations for s in one.seats})

    return know


def _has_come(future: asyncio.Future[Any]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


def _by_id(
    fetch: Callable[[Collection[K]], Awaitable[Mapping[K, T]]],
) -> Shared[K, T | None]:
    async def load(ids: list[K]) -> list[T | None]:
        found = await fetch(ids)
        return [found.get(identifier) for identifier in ids]

    return Shared(load_fn=load)


def _pages(
    records: Records, know: Callable[[Iterable[Deliberation]], None]
) -> DataLoader[DeliberationPage, Page[Deliberation]]:
    async def load(asked: list[DeliberationPage]) -> list[Page[Deliberation]]:
        alike: dict[tuple[PageRequest, bool, bool], list[DeliberationPage]] = {}
        for one in asked:
            alike.setdefault((one.page, one.seated, one.brief), []).append(one)
        found: dict[DeliberationPage, Page[Deliberation]] = {}
        for (page, seated, brief), these in alike.items():
            lists = [one.where for one in these]
            pages = await records.deliberations_of_each(page, lists, seated=seated, brief=brief)
            found.update(zip(these, pages, strict=True))
            know(chain.from_iterable(one.items for one in pages))
        return [found[one] for one in asked]

    return Shared(load_fn=load)


def _counts(records: Records) -> DataLoader[DeliberationFilter, int]:
    async def load(lists: list[DeliberationFilter]) -> list[int]:
        return list(await records.count_deliberations_of_each(lists))

    return Shared(load_fn=load)


def _readings(records: Records) -> DataLoader[AsOf, Reading]:
    async def load(asked: list[AsOf]) -> list[Reading]:
        found = await records.transcripts(
            {one.deliberation for one in asked},
            ended={one.deliberation for one in asked if one.ended},
            brief={one.deliberation for one in asked if one.brief}
            - {one.deliberation for one in asked if not one.brief},
        )
        known = [found.get(one.deliberation, nothing_recorded(one.deliberation)) for one in asked]
        return [
            # Nothing comes after an end, and while there is none there is no verdict, whatever number was read with it.
            read(seen if one.ended else seen.until(one.sequence, ending=False))
            for one, seen in zip(asked, known, strict=True)
        ]

    return Shared(load_fn=load)


def nothing_recorded(deliberation: str) -> Transcript:
    """What is read of one that is gone, or new."""
    return Transcript(deliberation=deliberation, turns=(), claims=(), outcome=None, ended=None)
