"""What is new in the graph, whichever process wrote it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from typing_extensions import override

from orchestrator.domain.councils import Council
from orchestrator.domain.deliberations import Deliberation, Status
from orchestrator.domain.transitions import Course, Transition, transitions
from orchestrator.engine.ports import Change, CouncilVersion, Look, News, Place
from orchestrator.graph import reading
from orchestrator.graph.councils import Councils
from orchestrator.graph.driver import Graph
from orchestrator.graph.records import GraphRecords

_MARGIN_SECONDS = 1.0
"""Beyond the longest that a transaction may take: a commit itself takes some time, too."""

_MOST_SECONDS = 60.0
"""Of changes that one look reads. All that happened while Neo4j was cut off may be more than it gives back at once, and would only grow."""


class GraphNews(News):
    """`orchestrator.engine.ports.News`, from Neo4j."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._records = GraphRecords(graph)
        self._councils = Councils(graph)
        self._late = round(1000 * (graph.bounds.transaction + _MARGIN_SECONDS))

    @override
    async def places(self, deliberations: Collection[str]) -> Mapping[str, Place]:
        (row,) = await self._graph.read("deliberation/read_places", ids=list(deliberations))
        return {id_: Place(sequence, Status(status)) for id_, sequence, status in row["places"]}

    @override
    async def transitions(self, since: datetime | None) -> Look[Transition]:
        (row,) = await self._graph.read(
            "deliberation/list_changed",
            since=since,
            late=self._late,
            most=round(1000 * _MOST_SECONDS),
        )
        after, until = reading.moment(row["since"]), reading.moment(row["until"])
        steps = (step for changed in row["changed"] for step in transitions(_course(changed)))
        return _look(
            min(row["now"], row["until"]),
            [
                Change((step.course.deliberation, step.status), step.at, step)
                for step in steps
                # A deliberation is found with all its steps; the older ones were found by looks before, the later ones are by looks to come.
                if after <= step.at <= until
            ],
            more=row["until"] < row["now"],
        )

    @override
    async def councils(self, since: datetime | None) -> Look[CouncilVersion]:
        (row,) = await self._graph.read("council/list_changed", since=since, late=self._late)
        return _look(
            row["at"],
            [
                Change(
                    (council, version),
                    reading.moment(at),
                    CouncilVersion(council=council, version=version),
                )
                for council, version, at in row["changed"]
            ],
        )

    @override
    async def deliberations(self, ids: Collection[str]) -> Mapping[str, Deliberation]:
        return await self._records.deliberations_by_id(ids)

    @override
    async def councils_by_id(self, ids: Collection[str]) -> Mapping[str, Council]:
        return await self._councils.councils_by_id(ids)


def _look(at: int, changes: list[Change[Any]], *, more: bool = False) -> Look[Any]:
    return Look(reading.moment(at), sorted(changes, key=lambda change: change.at), more)


def _course(row: Sequence[Any]) -> Course:
    id_, role, council, external_id, status, accepted_at, started_at, finished_at = row
    return Course(
        deliberation=id_,
        role=role,
        council_id=council,
        external_id=external_id,
        status=Status(status),
        accepted_at=reading.moment(accepted_at),
        started_at=reading.moment_or_none(started_at),
        finished_at=reading.moment_or_none(finished_at),
    )
