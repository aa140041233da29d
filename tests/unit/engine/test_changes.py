"""What cannot be read of changes keeps nobody from the rest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import pytest
from structlog.testing import capture_logs
from typing_extensions import override

from orchestrator.domain.councils import Council
from orchestrator.domain.deliberations import Deliberation, Status
from orchestrator.domain.errors import UnreadableError
from orchestrator.domain.filters import DeliberationFilter
from orchestrator.domain.transitions import Course, Transition, transitions
from orchestrator.engine.changes import Changes
from orchestrator.engine.ports import Change, CouncilVersion, Look
from tests.support.samples import NOW, a_council, a_deliberation
from tests.unit.engine.doubles import NoNews

T = TypeVar("T")

ROLES = ("data", "dev", "qa")


@dataclass
class Graph(NoNews):
    """Three of each kind have just changed, and one of them cannot be read."""

    unreadable: str = ""

    @override
    async def transitions(self, since: datetime | None) -> Look[Transition]:
        found = [transitions(_course(f"dlb_{role}"))[0] for role in ROLES]
        return Look(NOW, [Change(one.course.deliberation, NOW, one) for one in found])

    @override
    async def councils(self, since: datetime | None) -> Look[CouncilVersion]:
        found = [CouncilVersion(council=f"cou_{role}", version=1) for role in ROLES]
        return Look(NOW, [Change(one.council, NOW, one) for one in found])

    @override
    async def deliberations(self, ids: Collection[str]) -> Mapping[str, Deliberation]:
        self._read(ids)
        return {id_: a_deliberation(id_) for id_ in ids}

    @override
    async def councils_by_id(self, ids: Collection[str]) -> Mapping[str, Council]:
        self._read(ids)
        return {id_: a_council(id_.removeprefix("cou_")) for id_ in ids}

    def _read(self, ids: Collection[str]) -> None:
        if self.unreadable in ids:
            raise UnreadableError(self.unreadable)


def _course(deliberation: str) -> Course:
    return Course(
        deliberation=deliberation,
        role="DEV",
        council_id="cou_dev",
        external_id=None,
        status=Status.QUEUED,
        accepted_at=NOW,
        started_at=None,
        finished_at=None,
    )


@pytest.fixture
def graph() -> Graph:
    return Graph()


@pytest.fixture
async def changes(graph: Graph) -> AsyncGenerator[Changes]:
    changes = Changes(graph)
    running = asyncio.create_task(changes.run())
    yield changes
    assert not running.done()
    running.cancel()
    await asyncio.wait([running])


async def two(told: AsyncIterator[T]) -> list[T]:
    async with asyncio.timeout(10):
        return [await anext(told), await anext(told)]


async def test_deliberation_that_cannot_be_read_is_left_out_and_logged(
    changes: Changes, graph: Graph
) -> None:
    graph.unreadable = "dlb_dev"
    with capture_logs() as logs:
        told = await two(changes.deliberations(DeliberationFilter()))

    assert [one.deliberation.id for one in told] == ["dlb_data", "dlb_qa"]
    assert [(line["event"], line["deliberation"]) for line in logs] == [
        ("change_unreadable", "dlb_dev")
    ]


async def test_council_that_cannot_be_read_is_left_out_and_logged(
    changes: Changes, graph: Graph
) -> None:
    graph.unreadable = "cou_dev"
    with capture_logs() as logs:
        told = await two(changes.councils())

    assert [one.id for one in told] == ["cou_data", "cou_qa"]
    assert [(line["event"], line["council"]) for line in logs] == [("change_unreadable", "cou_dev")]
