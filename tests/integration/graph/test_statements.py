"""Every statement of the product is planned by a real Neo4j, which finds nothing to remark on and walks through nothing unasked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

import pytest
from neo4j import AsyncDriver, ResultSummary

from orchestrator.graph.driver import Graph
from orchestrator.graph.statements import statements
from orchestrator.graph.vocabulary import (
    OPTIONAL,
    RELATIONSHIPS,
    RELATIONSHIPS_MAY_HAVE,
    RELATIONSHIPS_REQUIRE,
    REQUIRED,
)
from tests.support.neo4j import statement, wipe
from tests.support.profiling import operators

pytestmark = [pytest.mark.neo4j]

PLANNED = [name for name in sorted(statements()) if not re.match(r"migrations/V\d", name)]
"""The migrations themselves are not planned but done."""

LOOKING_UP = [name for name in PLANNED if not name.startswith("doctor/")]
"""The doctor reads the whole graph."""

NUMBERS = {"due", "limit", "room", "together"}
"""Parameters that the planner wants to be numbers; of others it needs no value."""

SCANNED: dict[str, tuple[str, ...]] = {
    # Few run at once, and who is busy is read from them rather than from what an agent ever took part in.
    "Running": ("agent/find_busy",),
    # What processes hold is little, and all of it is wanted.
    "Deliberation(holder, role)": ("claim/claim",),
    # All that serve are wanted.
    "Council(servesRole)": ("council/rehydrate",),
    # Of these a graph has a few, or one.
    "Role": ("claim/claim", "role/list"),
    "Model": (
        "agent/seat",
        "council/rehydrate",
        "model/find_default",
        "model/list",
        "moving/write_councils",
        "moving/write_models",
        "moving/write_retired_agents",
        "seeding/read_defaults",
        "seeding/settle_endpoint",
        "seeding/settle_model",
    ),
    "Endpoint": (
        "council/rehydrate",
        "endpoint/count",
        "endpoint/find_unserving",
        "endpoint/list",
        "model/serve",
    ),
    # Who sits there by the default model is looked for in agents, of which there are far fewer than past seats of a model.
    "Agent": ("seeding/read_defaults", "seeding/settle_model"),
    "RemovedEndpoint": (
        "endpoint/find_made",
        "graph/find_authors",
        "moving/find_keys",
        "moving/list_removed_endpoints",
        "moving/write_deliberations",
        "moving/write_removed_endpoints",
    ),
    "Process": (
        "browser/list_claims_of_processes",
        "moving/find_living_processes",
        "moving/find_processes_since",
        "pruning/remove_processes",
    ),
    "Seeding": (
        "moving/leave_mark",
        "moving/list_councils",
        "moving/read_councils",
        "moving/read_serving_councils",
        "seeding/find_mark",
    ),
    # Whether there is any: the first one answers.
    "Council": ("seeding/find_mark", "council/count"),
    "Deliberation": ("moving/find_history",),
    # A person looks at all of it.
    "Decided": ("browser/draw_last_deliberation", "browser/list_ranking_and_dissent"),
    "OF": ("browser/count_wins",),
    "SITS_ON": ("browser/start",),
}
"""What may be walked through as a whole, and by which statement; `council/count` counts those whose names have a part in common."""

# In a graph without a migration: of each label the first node of somebody else's answers.
SCANNED.update(
    {label: (*SCANNED.get(label, ()), "migrations/find_strangers") for label in REQUIRED}
)

COMBINED = {
    # Counts: a row each.
    "deliberation/count_by_status",
    "graph/measure",
    # Nodes of which each is looked up by its id or name.
    "agent/bind",
    "deliberation/retry",
    "moving/write_deliberations",
    "moving/write_retries",
    # Each place in the line with each role.
    "claim/claim",
}
"""Statements that combine each row of one thing with each of another."""


class Planner:
    """Has each statement planned once."""

    def __init__(self, driver: AsyncDriver, database: str) -> None:
        self._driver = driver
        self.database = database
        self._planned: dict[str, ResultSummary] = {}

    async def plan(self, name: str) -> ResultSummary:
        """Answer what Neo4j says of a statement without running it."""
        if name not in self._planned:
            text = statements()[name]
            parameters = {
                key: 1 if key in NUMBERS else None for key in re.findall(r"\$(\w+)", text)
            }
            result = await self._driver.execute_query(
                "EXPLAIN " + text, parameters, database_=self.database
            )
            self._planned[name] = result.summary
        return self._planned[name]

    async def walks(self, name: str) -> list[str]:
        """Answer what it would walk through as a whole, and `*` for a cartesian product."""
        plan = cast("Mapping[str, Any] | None", (await self.plan(name)).plan)
        assert plan is not None
        return [
            _whole(details) if "Scan" in operator else "*"
            for operator, details in operators(plan)
            if "Scan" in operator or operator == "CartesianProduct"
        ]


def _whole(details: str) -> str:
    """Read what is scanned: `d:Running`, `RANGE INDEX c:Council(servesRole) WHERE …`, `(s)-[x:OF]->(a)`."""
    found = re.search(r":(\w+(?:\([\w, ]+\))?)", details)
    return found[1] if found else details


EMPTY, JUST_FILLED = "an empty graph", "a graph just filled"


@pytest.fixture(scope="module", params=[EMPTY, JUST_FILLED])
async def planner(
    migrated_graph: Graph, driver: AsyncDriver, request: pytest.FixtureRequest
) -> Planner:
    """A graph that has seen every label, type and property of the vocabulary, and whose indexes have nothing in them."""
    database = migrated_graph.database
    await wipe(driver, database)
    tables = (REQUIRED, OPTIONAL, RELATIONSHIPS_REQUIRE, RELATIONSHIPS_MAY_HAVE)
    await driver.execute_query(
        statement("graph/name_everything"),
        labels=list(REQUIRED),
        relationships=sorted({relationship for relationship, _, _ in RELATIONSHIPS}),
        properties=sorted({key for table in tables for types in table.values() for key in types}),
        database_=database,
    )
    if request.param == JUST_FILLED:
        labels = [label for label in REQUIRED if label not in {"Migration", "Lock"}]
        await driver.execute_query(
            statement("graph/make_nameless"), labels=labels, count=1000, database_=database
        )
    await driver.execute_query(statement("graph/count_indexes"), database_=database)
    return Planner(driver, database)


@pytest.mark.parametrize("planner", [JUST_FILLED], indirect=True, scope="module")
@pytest.mark.parametrize("name", PLANNED)
async def test_a_statement_is_planned_without_a_remark(planner: Planner, name: str) -> None:
    assert [
        (remark.gql_status, remark.status_description)
        for remark in (await planner.plan(name)).gql_status_objects
        if remark.is_notification
    ] == []
    assert not statements()[name].rstrip().endswith(";")


@pytest.mark.parametrize("name", LOOKING_UP)
async def test_a_statement_walks_through_nothing_that_it_could_look_up(
    planner: Planner, name: str
) -> None:
    meant = {whole for whole, names in SCANNED.items() if name in names}
    meant |= {"*"} if name in COMBINED else set()
    assert set(await planner.walks(name)) <= meant


async def test_what_may_be_walked_through_is_walked_through(planner: Planner) -> None:
    """What has become a lookup leaves the lists, so that it stays one."""
    for whole, names in {**SCANNED, "*": tuple(COMBINED)}.items():
        for name in names:
            assert whole in await planner.walks(name), name


@pytest.mark.parametrize("planner", [JUST_FILLED], indirect=True, scope="module")
async def test_a_remark_would_be_seen(planner: Planner, driver: AsyncDriver) -> None:
    """What is not in the vocabulary is remarked on, so that the test above can fail."""
    text = statement("graph/name_unknown_things")
    result = await driver.execute_query("EXPLAIN " + text, database_=planner.database)
    assert any(remark.is_notification for remark in result.summary.gql_status_objects)
