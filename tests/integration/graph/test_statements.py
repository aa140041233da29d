"""Every statement of the product is planned by a real Neo4j, which finds nothing to remark on."""

from __future__ import annotations

import re

import pytest
from neo4j import AsyncDriver

from orchestrator.graph.driver import Graph
from orchestrator.graph.seeding import read_seed, seed, settle_defaults
from orchestrator.graph.statements import statements
from orchestrator.graph.vocabulary import (
    OPTIONAL,
    RELATIONSHIPS,
    RELATIONSHIPS_MAY_HAVE,
    RELATIONSHIPS_REQUIRE,
    REQUIRED,
)
from tests.support.neo4j import statement, wipe

pytestmark = [pytest.mark.neo4j]

PLANNED = [name for name in sorted(statements()) if not re.match(r"migrations/V\d", name)]
"""The migrations themselves are not planned but done."""

NUMBERS = {"limit", "room", "together"}
"""Parameters that the planner wants to be numbers; of others it needs no value."""


@pytest.fixture(scope="module")
async def named(migrated_graph: Graph, driver: AsyncDriver) -> Graph:
    """A seeded graph that has seen every label, type and property of the vocabulary."""
    await wipe(driver, migrated_graph.database)
    await settle_defaults(migrated_graph, "http://127.0.0.1:8000/v1", "m")
    await seed(migrated_graph, read_seed(None))
    tables = (REQUIRED, OPTIONAL, RELATIONSHIPS_REQUIRE, RELATIONSHIPS_MAY_HAVE)
    await driver.execute_query(
        statement("graph/name_everything"),
        labels=list(REQUIRED),
        relationships=sorted({relationship for relationship, _, _ in RELATIONSHIPS}),
        properties=sorted({key for table in tables for types in table.values() for key in types}),
        database_=migrated_graph.database,
    )
    return migrated_graph


@pytest.mark.parametrize("name", PLANNED)
async def test_a_statement_is_planned_without_a_remark(
    named: Graph, driver: AsyncDriver, name: str
) -> None:
    text = statements()[name]
    parameters = {key: 1 if key in NUMBERS else None for key in re.findall(r"\$(\w+)", text)}
    result = await driver.execute_query("EXPLAIN " + text, parameters, database_=named.database)
    assert [
        (remark.gql_status, remark.status_description)
        for remark in result.summary.gql_status_objects
        if remark.is_notification
    ] == []
    assert not text.rstrip().endswith(";")


async def test_a_remark_would_be_seen(named: Graph, driver: AsyncDriver) -> None:
    """What is not in the vocabulary is remarked on, so that the test above can fail."""
    text = statement("graph/name_unknown_things")
    result = await driver.execute_query("EXPLAIN " + text, database_=named.database)
    assert any(remark.is_notification for remark in result.summary.gql_status_objects)
