"""A query is answered the same, byte for byte, a column at a time and as graphql-core answers it, a value at a time."""

from __future__ import annotations

import asyncio
import copy
import gc
import json
import warnings
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from structlog.testing import capture_logs

from graphql import GraphQLSchema
from orchestrator.api import limits, remembering
from orchestrator.api.context import Context
from orchestrator.api.pages import cursor
from orchestrator.api.projection import executor, plans
from orchestrator.api.projection.executor import ProjectingExecutor
from orchestrator.api.projection.run import extent
from orchestrator.api.schema import SCHEMA
from orchestrator.domain.availability import Holding
from orchestrator.domain.deliberations import Status, StopReason, TurnKind
from orchestrator.domain.errors import UnavailableError
from orchestrator.domain.health import EndpointHealth, EndpointStatus
from orchestrator.domain.pruning import GraphSize
from orchestrator.domain.values import replace
from tests.support.documents import Document, documents
from tests.support.samples import ANYBODY, NOW, a_council, a_deliberation, play
from tests.unit.api.doubles import House

WALKING = copy.copy(SCHEMA)
"""The same schema, executed by graphql-core alone."""
WALKING.execution_context_class = StrawberryGraphQLCoreExecutionContext


def a_house() -> House:
    """Deliberations at every stage, on two councils and one that is archived."""
    house = House()
    # Whoever waits for the end of a deliberation is answered at once.
    house.state.told_to_end.set()
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
    context = Context(house.ports(), ANYBODY)
    result = await schema.execute(
        document.text, variable_values=document.variables, context_value=context
    )
    errors = [error.formatted for error in result.errors or ()]
    for error in errors:
        del error["extensions"]["correlationId"]
    return {"data": result.data, "errors": sorted(errors, key=json.dumps)}


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    # What there is already is not looked through for garbage at each answer.
    gc.collect()
    gc.freeze()
    with asyncio.Runner() as one:
        yield one
    gc.unfreeze()


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


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How large the answers were found to be, the last of all when they were whole."""
    found: list[int] = []

    def note(size: int, then: str = "") -> None:
        del then
        found.append(size)

    monkeypatch.setattr(limits, "check_answer", note)
    return found


def _left_unawaited(run: Callable[[], dict[str, Any]]) -> tuple[dict[str, Any], list[str]]:
    """The answer, and what was begun for it that nobody waited for."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        answered = run()
        if answered["errors"]:
            # Here, and not in whichever test comes next.
            gc.collect()
    return answered, [str(one.message) for one in told]


@pytest.mark.timeout(300)
@settings(
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(document=DOCUMENTS)
def test_whatever_is_asked_is_answered_the_same_both_ways(
    runner: asyncio.Runner, ways: list[str], sizes: list[int], document: Document
) -> None:
    # The plan of an operation is known by what is left out of it.
    for asked in (document, document.with_booleans_flipped()):
        ways.clear()
        sizes.clear()
        projected, unawaited = _left_unawaited(
            lambda asked=asked: runner.run(answer(SCHEMA, asked, a_house()))
        )
        # Where one field fails, graphql-core lets go of others that it has not begun to wait for.
        expected, _ = _left_unawaited(
            lambda asked=asked: runner.run(answer(WALKING, asked, a_house()))
        )

        assert json.dumps(projected["data"]) == json.dumps(expected["data"])
        if "walked" not in ways and "projected" in ways:
            assert sizes[-1] == extent(projected["data"])
        # Of several mistakes that make one thing null, one at least has to be told: which, depends on what came first.
        assert _nulls(projected) == _nulls(expected)
        told = {_path(error): error for error in expected["errors"]}
        for error in projected["errors"]:
            assert error == told.get(_path(error), error)
        if not expected["errors"]:
            assert ways == ["projected"]
        if "walked" not in ways:
            assert not unawaited


def _path(error: dict[str, Any]) -> tuple[str | int, ...]:
    """Where it went wrong; nowhere in particular where the document itself is wrong."""
    return tuple(error.get("path", ()))


def _nulls(answered: dict[str, Any]) -> set[tuple[str | int, ...]]:
    """What its errors made null, by its place in the answer."""
    places: set[tuple[str | int, ...]] = set()
    for error in answered["errors"]:
        path, value = list(_path(error)), answered["data"]
        place: list[str | int] = []
        while value is not None:
            assert path, f"an error is told of, and nothing is null for it: {error}"
            place.append(path.pop(0))
            value = value[place[-1]]
        places.add(tuple(place))
    return places


FAILING = """{
  ok: models { name } roles { name council { name } } first: councils { totalCount }
  agent(by: { name: "dev-agent-1" }) { name } nodes(ids: ["cou_dev"]) { id }
}"""


@pytest.mark.parametrize(
    "failing",
    [
        {"roles"},
        {"roles", "agent_by_name"},
        # What is below a root field is told of by graphql-core.
        {"roles", "councils_by_id"},
        {"count_councils"},
    ],
)
async def test_what_fails_is_told_of_the_same_both_ways(failing: set[str]) -> None:
    def failing_house() -> House:
        house = a_house()
        house.registry.errors = {name: UnavailableError(f"no {name}") for name in failing}
        return house

    projected = await answer(SCHEMA, Document(FAILING, {}), failing_house())

    assert projected["errors"]
    assert projected == await answer(WALKING, Document(FAILING, {}), failing_house())


async def test_field_that_fails_and_must_not_be_null_takes_the_answer_with_it_both_ways() -> None:
    asked = Document('{ models { name } nodes(ids: ["cou_dev", "\\u0000"]) { id } }', {})

    projected = await answer(SCHEMA, asked, a_house())

    assert (projected["data"], [_path(error) for error in projected["errors"]]) == (
        None,
        [("nodes",)],
    )
    assert projected == await answer(WALKING, asked, a_house())


async def test_root_field_that_fails_is_not_read_again(ways: list[str]) -> None:
    house = a_house()
    house.registry.errors["roles"] = UnavailableError("Neo4j cannot be reached")

    await answer(SCHEMA, Document("{ roles { name } models { name } }", {}), house)

    assert (ways, house.registry.names) == (["projected"], ["roles", "models"])


async def test_what_is_of_the_schema_is_left_to_graphql_core(ways: list[str]) -> None:
    asked = Document("{ __schema { queryType { name } } models { name } }", {})

    told = await answer(SCHEMA, asked, a_house())

    assert told == await answer(WALKING, asked, a_house())
    assert (told["errors"], ways) == ([], [])


def within_each_other(levels: int, turn: str) -> Document:
    """A turn's deliberation's turn's deliberation's …, with as many aliases as there may be at the last."""
    text = " ".join(f"a{number}: id" for number in range(100))
    for _ in range(levels):
        text = f"... on Turn {{ deliberation {{ turns(first: 1) {{ edges {{ node {{ {text} }} }} }} }} }}"
    return Document(f"query ($id: ID!) {{ node(id: $id) {{ {text} }} }}", {"id": turn})


async def test_what_is_asked_of_an_interface_within_itself_is_planned_once_for_each_of_its_types(
    ways: list[str],
) -> None:
    house = a_house()
    turn = house.archive.said["dlb_1"].turns[0].id
    asked = within_each_other(4, turn)

    told = await answer(SCHEMA, asked, house)

    assert told == await answer(WALKING, asked, house)
    assert ways == ["projected"]


async def test_what_would_be_more_to_plan_than_it_saves_is_left_to_graphql_core(
    ways: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "_MOST_ENTRIES", 3)
    asked = Document("{ models { id name } roles { name } }", {})

    told = await answer(SCHEMA, asked, a_house())

    assert told == await answer(WALKING, asked, a_house())
    assert ways == []


DECIDED = """query Decided($a: Boolean!, $b: Boolean!, $c: Boolean!) {
  models { id @include(if: $a) name @include(if: $b) } roles { name @include(if: $c) id: name }
  service { version } x: __typename
}"""
EVERY_DECISION = [
    {"a": a, "b": b, "c": c} for a in (True, False) for b in (True, False) for c in (True, False)
]


async def test_plan_is_made_once_for_each_of_what_variables_leave_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[Any] = []

    def noting(*given: Any) -> plans.Plan:
        made.append(given)
        return plans.plan(*given)

    monkeypatch.setattr(executor, "plan", noting)
    for decided in EVERY_DECISION * 2:
        await answer(SCHEMA, Document(DECIDED, decided), a_house())

    assert len(made) == len(EVERY_DECISION)


async def test_all_plans_that_are_remembered_have_no_more_entries_than_they_may_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(remembering, "_MOST_WEIGHT", 300)
    for decided in EVERY_DECISION:
        await answer(SCHEMA, Document(f"{DECIDED} # again", decided), a_house())

    kept = list(executor._plans)  # pyright: ignore[reportPrivateUsage]
    entries = [0 if one is None else one.weight for one in kept]
    assert sum(entries) <= 300
    assert 0 < len(entries) < len(EVERY_DECISION)


async def test_directive_that_cannot_be_followed_is_told_of_where_it_stands_both_ways() -> None:
    text = 'query ($a: Boolean = true) { node(id: "zzz_1") { id @include(if: $a) } service { version } }'
    asked = Document(text, {"a": None})

    projected = await answer(SCHEMA, asked, a_house())

    assert projected["data"] is not None
    assert projected == await answer(WALKING, asked, a_house())


@pytest.mark.parametrize(
    "wrong",
    [
        {"latency_ms": 2**31},
        {"latency_ms": None},
        {"started_at": NOW.replace(tzinfo=None)},
        {"attempts": True},
        {"attempts": 2.0},
        {"content": 7},
        {"outcome": "TAKEN"},
    ],
)
async def test_value_that_the_schema_does_not_have_is_told_of_the_same_both_ways(
    wrong: dict[str, Any],
) -> None:
    def wrong_house() -> House:
        house = a_house()
        said = house.archive.said["dlb_1"]
        first = replace(said.turns[0], **wrong)
        house.archive.said["dlb_1"] = replace(said, turns=(first, *said.turns[1:]))
        return house

    asked = Document(
        """{ deliberation(id: "dlb_1") { turns { edges { node {
             latencyMs startedAt attempts content outcome } } } } }""",
        {},
    )
    # To log all that was there when it failed would take a minute.
    with capture_logs():
        projected = await answer(SCHEMA, asked, wrong_house())
        expected = await answer(WALKING, asked, wrong_house())

    assert json.dumps(projected) == json.dumps(expected)
