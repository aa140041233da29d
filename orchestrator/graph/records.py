"""Tasks, deliberations and what was recorded of them, as the API reads them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from orchestrator.domain.availability import Holding
from orchestrator.domain.deliberations import Deliberation, Retries, Status, Task
from orchestrator.domain.filters import DeliberationFilter
from orchestrator.domain.ids import Prefix
from orchestrator.domain.pages import Page, PageRequest
from orchestrator.domain.transcripts import Transcript
from orchestrator.graph import paging, reading
from orchestrator.graph.driver import Graph

_MANY = frozenset({Status.DECIDED})
"""Statuses of a large part of all deliberations; a list in any other goes by its status, as that is rarer than a role or a council."""


class GraphRecords:
    """`orchestrator.api.ports.Records`, from Neo4j. Raises UnavailableError where that is away."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    # ---------------------------------------------------------------- tasks

    async def tasks_by_id(self, ids: Collection[str]) -> Mapping[str, Task]:
        (row,) = await self._graph.read("task/read", ids=list(ids))
        tasks = [reading.task(task) for task in row["tasks"]]
        return {task.id: task for task in tasks}

    async def tasks(self, page: PageRequest, external_id: str | None) -> Page[Task]:
        name = "task/list_newer" if page.backward else "task/list_older"
        where: dict[str, Any] = {}
        if external_id is not None:
            name += "_of_external_id"
            where["externalId"] = external_id
        span = paging.span(page)
        (row,) = await self._graph.read(
            name, above=span.above, below=span.below, limit=page.limit + 1, **where
        )
        return paging.page_of(page, [reading.task(task) for task in row["tasks"]])

    async def count_tasks(self, external_id: str | None) -> int:
        if external_id is None:
            (row,) = await self._graph.read("task/count")
        else:
            (row,) = await self._graph.read("task/count_of_external_id", externalId=external_id)
        return row["total"]

    # ---------------------------------------------------------------- deliberations

    async def deliberations_by_id(self, ids: Collection[str]) -> Mapping[str, Deliberation]:
        (row,) = await self._graph.read("deliberation/read", ids=list(ids))
        found = [reading.deliberation(*columns) for columns in row["deliberations"]]
        return {deliberation.id: deliberation for deliberation in found}

    async def deliberations(
        self, page: PageRequest, where: DeliberationFilter
    ) -> Page[Deliberation]:
        name = "deliberation/list_newer" if page.backward else "deliberation/list_older"
        suffix, parameters = _by_index(where, paging.span(page))
        (row,) = await self._graph.read(name + suffix, limit=page.limit + 1, **parameters)
        ids: Page[str] = paging.page_of(page, row["ids"])
        found = await self.deliberations_by_id(ids.items)
        # One that was listed may have been pruned since.
        return Page(
            items=tuple(found[id_] for id_ in ids.items if id_ in found),
            has_next=ids.has_next,
            has_previous=ids.has_previous,
        )

    async def count_deliberations(self, where: DeliberationFilter) -> int:
        if where == DeliberationFilter():
            (row,) = await self._graph.read("deliberation/count")
        elif where == DeliberationFilter(council_id=where.council_id):
            (row,) = await self._graph.read(
                "deliberation/count_of_council", council=where.council_id
            )
        elif where == DeliberationFilter(role=where.role):
            (row,) = await self._graph.read("deliberation/count_of_role", role=where.role)
        elif where.statuses is not None and where == DeliberationFilter(statuses=where.statuses):
            (row,) = await self._graph.read("deliberation/count_by_status")
            return sum(row[status.lower()] for status in set(where.statuses))
        else:
            suffix, parameters = _by_index(where, paging.Span())
            (row,) = await self._graph.read("deliberation/count_between" + suffix, **parameters)
        return row["total"]

    async def retries(self, deliberations: Collection[str]) -> Mapping[str, Retries]:
        (row,) = await self._graph.read("deliberation/read_retries", ids=list(deliberations))
        found: list[tuple[str, str | None, list[str]]] = row["retries"]
        return {id_: Retries(of=of, by=tuple(by)) for id_, of, by in found}

    # ---------------------------------------------------------------- transcripts

    async def transcripts(self, deliberations: Collection[str]) -> Mapping[str, Transcript]:
        (row,) = await self._graph.read("turn/read_transcripts", ids=list(deliberations))
        found = [reading.transcript(*columns) for columns in row["transcripts"]]
        return {transcript.deliberation: transcript for transcript in found}

    # ---------------------------------------------------------------- who holds them

    async def holdings(self, deliberations: Collection[str]) -> Mapping[str, Holding]:
        (row,) = await self._graph.read("claim/find_holders", ids=list(deliberations))
        return {
            id_: Holding(process=process, host=host, lapsed=reading.moment_or_none(lapsed))
            for id_, process, host, lapsed in row["holders"]
        }


def _by_index(where: DeliberationFilter, span: paging.Span) -> tuple[str, dict[str, Any]]:
    """Choose the statement that walks least, by the end of its name, and what it is given."""
    span = paging.narrowed(span, Prefix.DELIBERATION, where.accepted_since, where.accepted_before)
    parameters: dict[str, Any] = {
        "above": span.above,
        "below": span.below,
        "acceptedSince": where.accepted_since,
        "acceptedBefore": where.accepted_before,
        "statuses": None if where.statuses is None else sorted(set(where.statuses)),
        "role": where.role,
        "council": where.council_id,
        "externalId": where.external_id,
    }
    match where:
        case DeliberationFilter(task=str() as task):
            return "_on_task", parameters | {"task": task}
        case DeliberationFilter(external_id=str()):
            suffix = "_of_external_id"
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
    return suffix, parameters
