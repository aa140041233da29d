"""A query is answered the same, byte for byte, a column at a time and as graphql-core answers it, a value at a time."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from graphql import GraphQLSchema
from orchestrator.api.callers import Caller
from orchestrator.api.context import Context
from orchestrator.api.pages import cursor
from orchestrator.api.projection.executor import ProjectingExecutor
from orchestrator.api.schema import SCHEMA
from orchestrator.domain.availability import Holding
from orchestrator.domain.deliberations import Status, StopReason, TurnKind
from orchestrator.domain.health import EndpointHealth, EndpointStatus
from orchestrator.domain.pruning import GraphSize
from tests.support.documents import Document, documents
from tests.support.samples import NOW, a_council, a_deliberation, play
from tests.unit.api.doubles import House

WALKING = copy.copy(SCHEMA)
"""The same schema, executed by graphql-core alone."""
WALKING.execution_context_class = StrawberryGraphQLCoreExecutionContext


def a_house() -> House:
    """Deliberations at every stage, on two councils and one that is archived."""
    house = House()
    old = a_council("old")
    archived = replace(old, archived_at=NOW, role=replace(old.role, council_id=None))
    house.registry.add(a_council("dev"), a_council("qa", seats=2), archived)
    keep = house.archive.keep
    keep(*play(a_deliberation("dlb_1")))
    keep(*play(a_deliberation("dlb_2", council=a_council("qa", seats=2)), turns=3))
    keep(a_deliberation("dlb_3", status=Status.QUEUED))
    keep(*play(a_deliberation("dlb_4"), absent={TurnKind.PROPOSAL, TurnKind.BALLOT}))
    failed = a_deliberation("dlb_5", council=archived, status=Status.FAILED)
    keep(replace(failed, stop_reason=StopReason.ERROR, failure="it broke", finished_at=NOW))
    keep(replace(a_deliberation("dlb_6"), token_budget=1000, deadline=NOW))
    house.archive.retried["dlb_6"] = "dlb_5"
    house.archive.held["dlb_2"] = Holding(process="prc_1", host="here", lapsed=None)
    house.doctor.seen["gpu"] = EndpointHealth(status=EndpointStatus.UP, served_models=("a-model",))
    house.state.size = GraphSize(
        councils=3, agents=8, tasks=6, deliberations=6, turns=2**40, nodes=1, relationships=2
    )
    return house


def _ids(house: House) -> list[str]:
    registry, archive = house.registry, house.archive
    said = [turn.id for one in archive.said.values() for turn in one.turns]
    verdicts = [one.outcome.id for one in archive.said.values() if one.outcome is not None]
    tasks = [kept.task.id for kept in archive.kept.values()]
    of_all = (registry.all_councils, registry.all_roles, registry.all_agents, archive.kept)
    return [
        *(id_ for things in of_all for id_ in things),
        *registry.all_models,
        *registry.all_endpoints,
        *tasks,
        *verdicts,
        *said,
        "dlb_none",
        "",
        "what",
    ]


def _known(house: House) -> dict[str, list[Any]]:
    ids = _ids(house)
    cursors = [cursor(key) for key in [*ids[:12], "2", "5"]]
    return {
        "ID": ids,
        "deliberation.id": [*house.archive.kept, "dlb_none"],
        "task.id": [*(kept.task.id for kept in house.archive.kept.values()), "tsk_none"],
        "role": ["DEV", "QA", "OLD", "NONE", ""],
        "name": ["DEV", "QA", "dev-agent-1", "qa-agent-2", ""],
        "first": [1, 2, 3, 0, 5, 1, 2, 3, 4, 101],
        "last": [1, 2],
        "after": [*cursors],
        "before": cursors,
        "Int": [0, 1, 5],
        "String": ["dev", "JIRA-1", ""],
        "Boolean": [True, False],
        "DateTime": ["2026-01-31T12:00:00Z", "2026-01-31T13:00:00+02:00"],
        "Float": [0.5],
    }


_GRAPHQL = cast("GraphQLSchema", vars(SCHEMA)["_schema"])
DOCUMENTS = documents(_GRAPHQL, _known(a_house()))


async def answer(schema: Any, document: Document, house: House) -> dict[str, Any]:
    """Execute it; an id that is told to find the error in the log is another each time."""
    context = Context(house.ports(), Caller())
    result = await schema.execute(
        document.text, variable_values=document.variables, context_value=context
    )
    errors = [error.formatted for error in result.errors or ()]
    for error in errors:
        del error["extensions"]["correlationId"]
    return {"data": result.data, "errors": sorted(errors, key=json.dumps)}


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as one:
        yield one


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How queries were answered: begun a column at a time, and then perhaps left to graphql-core."""
    taken: list[str] = []
    project = vars(ProjectingExecutor)["_project"]

    async def noting(self: ProjectingExecutor, known: Any, root: Any, walk: Any) -> Any:
        def noted() -> Any:
            taken.append("walked")
            return walk()

        taken.append("projected")
        return await project(self, known, root, noted)

    monkeypatch.setattr(ProjectingExecutor, "_project", noting)
    return taken


@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(document=DOCUMENTS)
def test_whatever_is_asked_is_answered_the_same_both_ways(
    runner: asyncio.Runner, ways: list[str], document: Document
) -> None:
    ways.clear()
    projected = runner.run(answer(SCHEMA, document, a_house()))
    expected = runner.run(answer(WALKING, document, a_house()))

    assert json.dumps(projected) == json.dumps(expected)
    if not expected["errors"]:
        assert ways == ["projected"]
