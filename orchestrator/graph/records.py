"""Tasks, deliberations and what was recorded of them, as the API reads them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar, cast

from orchestrator.domain.availability import Holding
from orchestrator.domain.callers import Authors
from orchestrator.domain.deliberations import Deliberation, Retries, Status, Task
from orchestrator.domain.filters import DeliberationFilter
from orchestrator.domain.ids import Prefix
from orchestrator.domain.pages import Page, PageRequest
from orchestrator.domain.searching import MOST_HITS, Hit
from orchestrator.domain.statistics import CouncilStatistics, Period
from orchestrator.domain.transcripts import Transcript
from orchestrator.domain.values import replace
from orchestrator.graph import paging, reading
from orchestrator.graph.again import read_readable, read_whole
from orchestrator.graph.driver import Graph
from orchestrator.graph.gathering import Gathering

T = TypeVar("T")

_MANY = frozenset({Status.DECIDED})
"""Statuses of a large part of all deliberations; a list in any other goes by its status, as that is rarer than a role or a council."""

_STATISTICS_AT_ONCE = 4
"""Those of 100,000 deliberations keep a processor of Neo4j busy for seconds: many at once would take too long, all of them, and hold up the rest."""


class GraphRecords:
    """`orchestrator.api.ports.Records`, from Neo4j. Raises UnavailableError where that is away."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._counting = asyncio.Semaphore(_STATISTICS_AT_ONCE)
        self._deliberation: Gathering[None, Deliberation | None] = Gathering(
            self.deliberations_by_id, absent=None, alike=True
        )
        self._followed: Gathering[None, tuple[Deliberation, Transcript] | None] = Gathering(
            self._all_followed, absent=None, alike=True
        )

    async def authors(self, ids: Collection[str]) -> Mapping[str, Authors]:
        return {
            row["id"]: Authors(
                created_by=row["createdBy"],
                updated_by=row["updatedBy"],
                cancelled_by=row["cancelledBy"],
            )
            for row in await self._graph.read("graph/find_authors", ids=list(ids))
        }

    # ---------------------------------------------------------------- tasks

    async def tasks_by_id(self, ids: Collection[str]) -> Mapping[str, Task]:
        async def read() -> list[Task]:
            rows = await self._graph.read("task/read", ids=list(ids))
            return [reading.task(task) for (task,) in reading.still_there(rows)]

        return {task.id: task for task in await read_readable(read)}

    async def tasks(
        self, page: PageRequest, external_id: str | None, *, brief: bool = False
    ) -> Page[Task]:
        name = "task/list_newer" if page.backward else "task/list_older"
        where: dict[str, Any] = {}
        if external_id is not None:
            name += "_of_external_id"
            where["externalId"] = external_id
        span = paging.span(page)

        async def read() -> list[Task]:
            rows = await self._graph.read(
                name, above=span.above, below=span.below, limit=page.limit + 1, brief=brief, **where
            )
            return [reading.task(row["task"]) for row in rows]

        return paging.page_of(page, await read_readable(read))

    async def count_tasks(self, external_id: str | None) -> int:
        if external_id is None:
            (row,) = await self._graph.read("task/count")
        else:
            (row,) = await self._graph.read("task/count_of_external_id", externalId=external_id)
        return row["total"]

    # ---------------------------------------------------------------- deliberations

    async def deliberations_by_id(
        self, ids: Collection[str], *, seated: bool = True, brief: bool = False
    ) -> Mapping[str, Deliberation]:
        name = "deliberation/read" if seated else "deliberation/read_without_seats"

        async def read(ids: list[str]) -> dict[str, Deliberation]:
            rows = await self._graph.read(name, ids=ids, brief=brief)
            found = reading.deliberations(reading.still_there(rows))
            return {deliberation.id: deliberation for deliberation in found}

        return await read_whole(ids, read, is_whole=lambda found: found.of_one_moment)

    async def deliberation(self, id: str) -> Deliberation | None:
        return await self._deliberation(id, None)

    async def deliberations_of_each(
        self,
        page: PageRequest,
        lists: Sequence[DeliberationFilter],
        *,
        seated: bool = True,
        brief: bool = False,
    ) -> tuple[Page[Deliberation], ...]:
        name = "deliberation/list_newer" if page.backward else "deliberation/list_older"
        span = paging.span(page)

        async def ids_of(where: DeliberationFilter, of: list[str | None]) -> _OfEach:
            suffix, parameters = _by_index(where, span, of)
            (row,) = await self._graph.read(name + suffix, limit=page.limit + 1, **parameters)
            return cast("_OfEach", dict(row["lists"]))

        ids: list[Sequence[str] | None] = await _of_each(lists, ids_of)
        nothing: Sequence[str] = ()
        pages = [paging.page_of(page, nothing if of is None else of) for of in ids]
        of_all = list(dict.fromkeys(id_ for one in pages for id_ in one.items))
        found: Mapping[str, Deliberation] = (
            await self.deliberations_by_id(of_all, seated=seated, brief=brief) if of_all else {}
        )
        return tuple(
            _with_those(found, one, where) for one, where in zip(pages, lists, strict=True)
        )

    async def count_deliberations_of_each(
        self, lists: Sequence[DeliberationFilter]
    ) -> tuple[int, ...]:
        totals = await _of_each(lists, self._totals)
        return tuple(total or 0 for total in totals)

    async def _totals(self, where: DeliberationFilter, of: list[str | None]) -> _OfEach:
        if where == DeliberationFilter():
            (row,) = await self._graph.read("deliberation/count")
            return {None: row["total"]}
        if where == DeliberationFilter(council_id=where.council_id):
            (row,) = await self._graph.read("deliberation/count_of_council", councils=of)
        elif where == DeliberationFilter(role=where.role):
            (row,) = await self._graph.read("deliberation/count_of_role", role=where.role)
            return {None: row["total"]}
        elif where.statuses is not None and where == DeliberationFilter(statuses=where.statuses):
            (row,) = await self._graph.read("deliberation/count_by_status")
            return {None: sum(row[status.lower()] for status in set(where.statuses))}
        else:
            suffix, parameters = _by_index(where, paging.Span(), of)
            (row,) = await self._graph.read("deliberation/count_between" + suffix, **parameters)
        return cast("_OfEach", dict(row["totals"]))

    async def retries(self, deliberations: Collection[str]) -> Mapping[str, Retries]:
        (row,) = await self._graph.read("deliberation/read_retries", ids=list(deliberations))
        found: list[tuple[str, str | None, list[str]]] = row["retries"]
        return {id_: Retries(of=of, by=tuple(by)) for id_, of, by in found}

    async def search(self, text: str) -> tuple[Hit, ...]:
        (row,) = await self._graph.read("search/find", text=_lucene(text), limit=MOST_HITS)
        hits = (Hit(id_, score) for id_, score in row["hits"])
        return tuple(sorted(hits, key=lambda hit: hit.place))

    async def statistics(self, periods: Collection[Period]) -> Mapping[Period, CouncilStatistics]:
        asked = list(periods)
        async with self._counting:
            (row,) = await self._graph.read(
                "council/read_statistics", periods=[_period(period) for period in asked]
            )
        found: list[list[Any]] = row["statistics"]
        return {
            period: reading.statistics(counted)
            for period, counted in zip(asked, found, strict=True)
        }

    # ---------------------------------------------------------------- transcripts

    async def transcripts(
        self,
        deliberations: Collection[str],
        *,
        ended: Collection[str] = (),
        brief: Collection[str] = (),
    ) -> Mapping[str, Transcript]:
        async def read(ids: list[str]) -> dict[str, Transcript]:
            rows = await self._graph.read("turn/read_transcripts", ids=ids, brief=list(brief))
            found = [reading.transcript(*columns) for (columns,) in reading.still_there(rows)]
            return {transcript.deliberation: transcript for transcript in found}

        return await read_whole(
            deliberations,
            read,
            is_whole=lambda found: found.ended is not None or found.deliberation not in ended,
        )

    async def followed(self, deliberation: str) -> tuple[Deliberation, Transcript] | None:
        return await self._followed(deliberation, None)

    async def _all_followed(
        self, deliberations: Collection[str]
    ) -> Mapping[str, tuple[Deliberation, Transcript]]:
        async def read(ids: list[str]) -> dict[str, tuple[Deliberation, Transcript]]:
            rows = await self._graph.read("deliberation/follow", ids=ids)
            return {
                told[0]: (reading.deliberation(told, task), reading.transcript(*recorded))
                for told, task, recorded in reading.still_there(rows)
            }

        return await read_whole(deliberations, read, is_whole=lambda found: found[0].of_one_moment)

    # ---------------------------------------------------------------- who holds them

    async def holdings(self, deliberations: Collection[str]) -> Mapping[str, Holding]:
        (row,) = await self._graph.read("claim/find_holders", ids=list(deliberations))
        return {
            id_: Holding(process=process, host=host, lapsed=reading.moment_or_none(lapsed))
            for id_, process, host, lapsed in row["holders"]
        }


def _with_those(
    found: Mapping[str, Deliberation], listed: Page[str], where: DeliberationFilter
) -> Page[Deliberation]:
    """Make the page of those that were found: one that was listed may have been pruned since, or have come to a status that was not asked for."""
    ids = listed.items
    items = tuple(
        found[id_]
        for id_ in ids
        if id_ in found and (where.statuses is None or found[id_].status in where.statuses)
    )
    return Page(
        items=items,
        has_next=listed.has_next,
        has_previous=listed.has_previous,
        ends=None if len(items) == len(ids) else (ids[0], ids[-1]),
    )


def _lucene(text: str) -> str:
    """Write a text in Lucene's syntax so that none of it is syntax: each word between quotes, of which any may match."""
    escaped = (word.replace("\\", "\\\\").replace('"', '\\"') for word in text.split())
    return " ".join(f'"{word}"' for word in escaped)


def _period(period: Period) -> dict[str, Any]:
    span = paging.narrowed(paging.Span(), Prefix.DELIBERATION, period.since, period.until)
    return {
        "council": period.council,
        "above": span.above,
        "below": span.below,
        "since": period.since,
        "until": period.until,
    }


_OfEach = Mapping[str | None, Any]
"""By what each list is of: a task, else a council; none where it is of neither."""


async def _of_each(
    lists: Sequence[DeliberationFilter],
    read: Callable[[DeliberationFilter, list[str | None]], Awaitable[_OfEach]],
) -> list[Any]:
    """Read lists that differ only in their council, or only in their task, with one statement; none of what is not there."""
    alike: dict[DeliberationFilter, dict[str | None, DeliberationFilter]] = {}
    for where in lists:
        alike.setdefault(_without_owner(where), {})[_owner(where)] = where
    found = {of_all: await read(next(iter(of.values())), list(of)) for of_all, of in alike.items()}
    return [found[_without_owner(where)].get(_owner(where)) for where in lists]


def _owner(where: DeliberationFilter) -> str | None:
    return where.council_id if where.task is None else where.task


def _without_owner(where: DeliberationFilter) -> DeliberationFilter:
    """What lists have alike that are read together; that they have an owner at all is part of it."""
    if where.task is None:
        return replace(where, council_id=None if where.council_id is None else "")
    return replace(where, task="")


def _by_index(
    where: DeliberationFilter, span: paging.Span, of: list[str | None]
) -> tuple[str, dict[str, Any]]:
    """Choose the statement that walks least, by the end of its name, and what it is given; `of` are the owners."""
    span = paging.narrowed(span, Prefix.DELIBERATION, where.accepted_since, where.accepted_before)
    bounds = {"above": span.above, "below": span.below}
    also: dict[str, Any] = {
        "acceptedSince": where.accepted_since,
        "acceptedBefore": where.accepted_before,
        # In the order of life: statements read one after the other, and what moves on meanwhile comes to one that is yet to be read.
        "statuses": None
        if where.statuses is None
        else [status for status in Status if status in where.statuses],
        "role": where.role,
    }
    # Of few, what else they have to be goes in a map: Neo4j plans a statement anew for each combination of parameters that are null,
    # which takes far longer than the few do. Of many it would look into the map for each.
    if where.task is not None:
        also |= {"council": where.council_id, "externalId": where.external_id}
        return "_on_task", bounds | {"tasks": of, "also": also}
    if where.external_id is not None:
        named = {"externalId": where.external_id, "councils": of}
        return "_of_external_id", bounds | named | {"also": also}
    match where:
        case DeliberationFilter(statuses=tuple() as statuses) if not _MANY & set(statuses):
            suffix = "_in_status"
        case DeliberationFilter(council_id=str()):
            suffix = "_of_council"
        case DeliberationFilter(role=str()):
            suffix = "_of_role"
        case DeliberationFilter(statuses=tuple()):
            suffix = "_in_status"
        case _:
            suffix = ""
    return suffix, bounds | also | {"councils": of}
