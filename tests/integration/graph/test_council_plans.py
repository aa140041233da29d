"""What reads of councils cost: bounds on db hits that neither councils nor past seats move, since a LIMIT hides a bad plan."""

from __future__ import annotations

import pytest
from neo4j import AsyncDriver

from orchestrator.domain.filters import CouncilFilter
from orchestrator.domain.pages import PageRequest
from orchestrator.graph.councils import Councils
from orchestrator.graph.driver import Graph
from orchestrator.graph.seeding import settle_defaults
from tests.support.neo4j import statement, wipe
from tests.support.profiling import ProfiledGraph

pytestmark = [pytest.mark.neo4j]

A_COUNCIL = 100
"""Db hits of one council of three agents, roughly."""

RUNNING = 20
A_RUNNING_ONE = 30


@pytest.fixture(scope="module")
async def crowded(migrated_graph: Graph, driver: AsyncDriver) -> Graph:
    """A thousand councils; the agents of one had 3,000 seats in the past and have 20 now."""
    database = migrated_graph.database
    await wipe(driver, database)
    await settle_defaults(migrated_graph, None, "a/model")
    for name, parameters in (
        ("make_councils", {"count": 1000}),
        ("make_past_seats", {"role": "R00500", "ended": 3000, "running": RUNNING}),
    ):
        await driver.execute_query(statement(f"graph/{name}"), parameters, database_=database)
    return migrated_graph


@pytest.fixture
def profiled(crowded: Graph) -> ProfiledGraph:
    return ProfiledGraph(crowded)


async def test_a_page_costs_what_is_on_it(profiled: ProfiledGraph) -> None:
    councils = Councils(profiled)
    everything = CouncilFilter(include_archived=True)
    for where in (CouncilFilter(), everything):
        for backward in (False, True):
            page = PageRequest(limit=10, key="cou_00700", backward=backward)
            assert len((await councils.councils(page, where)).items) == 10
    await councils.councils(PageRequest(limit=10), CouncilFilter(role="R00500"))
    await councils.agents(PageRequest(limit=10))
    await councils.agents(PageRequest(limit=10, backward=True))
    assert profiled.hits["council/list_older"] < 11 * A_COUNCIL
    assert profiled.hits["council/list_newer"] < 11 * A_COUNCIL
    assert profiled.hits["council/list_older_of_role"] < A_COUNCIL
    assert profiled.hits["agent/list_older"] < 11 * A_COUNCIL
    assert profiled.hits["agent/list_newer"] < 11 * A_COUNCIL


async def test_an_agent_of_many_seats_costs_no_more_than_another(profiled: ProfiledGraph) -> None:
    councils = Councils(profiled)
    council = await councils.council_by_role("R00500")
    assert council is not None
    assert await councils.busy_agents() == {seat.agent.id for seat in council.seats}
    assert profiled.hits["agent/find_busy"] < RUNNING * A_RUNNING_ONE
    assert profiled.hits["council/find_by_role"] < A_COUNCIL
    await councils.agent_by_name("a00500-1")
    assert profiled.hits["agent/find_by_name"] < A_COUNCIL


async def test_a_council_without_seats_costs_a_fraction_of_one_with_them(
    profiled: ProfiledGraph,
) -> None:
    async def hits(*, seated: bool) -> int:
        await Councils(profiled).councils(PageRequest(limit=10), CouncilFilter(), seated=seated)
        return profiled.hits["council/list_older"]

    assert await hits(seated=False) < await hits(seated=True) / 3


async def test_what_is_looked_up_by_a_name_or_a_key_is_found_by_an_index(
    profiled: ProfiledGraph,
) -> None:
    for name, parameters in {
        "role/find_named": {"name": "R00001"},
        "role/find_made": {"id": "rol_none", "idempotencyKey": "none"},
        "council/find_made": {"id": "cou_none", "idempotencyKey": "none"},
        "agent/find_made": {"id": "agt_none", "idempotencyKey": "none"},
        "agent/find_named": {"names": ["a00001-1", "none"]},
        "council/lock": {"id": "cou_00001"},
        "role/lock": {"name": "R00001"},
        "agent/count": {},
    }.items():
        await profiled.read(name, **parameters)
        assert profiled.hits[name] < 40, name
