"""The queries for Neo4j Browser show what they say, in a graph where something was decided."""

from __future__ import annotations

from typing import Any

import pytest
from neo4j import AsyncDriver

from orchestrator.domain.deliberations import StopReason
from orchestrator.graph.deliberations import GraphDeliberations
from orchestrator.graph.driver import Graph
from orchestrator.graph.seeding import read_seed, seed, settle_defaults
from tests.support.deliberating import LEASE, a_verdict, all_turns, an_order, recordings
from tests.support.neo4j import wipe

pytestmark = [pytest.mark.neo4j]


@pytest.fixture(scope="module")
async def decided(migrated_graph: Graph, driver: AsyncDriver) -> Graph:
    """Seeded councils, of which DEV has decided: seat 3 won."""
    graph = migrated_graph
    await wipe(driver, graph.database)
    await settle_defaults(graph, "http://127.0.0.1:8000/v1", "m")
    await seed(graph, read_seed(None))
    deliberations = GraphDeliberations(graph)
    await deliberations.enter("prc_one", "host", LEASE)
    await deliberations.accept(an_order("DEV"))
    (held,) = await deliberations.claim("prc_one", 1, (), ())
    turns = all_turns(held.deliberation)
    await deliberations.record(recordings(held, turns))
    assert await deliberations.decide(held, 13, a_verdict(turns), StopReason.COMPLETED)
    return graph


async def shown(graph: Graph, name: str, **parameters: Any) -> list[dict[str, Any]]:
    return [row.data() for row in await graph.read(f"browser/{name}", **parameters)]


async def test_a_council_is_shown_with_who_sits_on_it(decided: Graph) -> None:
    rows = await decided.read("browser/who_sits_on_a_council", role="DEV")
    names = {row["seat"].start_node["name"] for row in rows}
    assert names == {"dev-agent-1", "dev-agent-2", "dev-agent-3"}
    assert all(row["served"].end_node["name"] == "default" for row in rows)


async def test_the_last_deliberation_is_drawn_with_every_turn(decided: Graph) -> None:
    rows = await decided.read("browser/draw_last_deliberation")
    turns = {row["turn"].nodes[2]["id"] for row in rows}
    about = {row["about"].relationships[0].type for row in rows if row["about"] is not None}
    verdict = {row["verdict"].relationships[1].type for row in rows if row["verdict"] is not None}
    assert len(turns) == 12
    assert about == {"REVISES", "CRITIQUES", "ANSWERS", "RANKS"}
    assert verdict == {"RANKED", "CHOSE"}


async def test_the_ranking_is_listed_with_who_was_for_it_and_who_was_not(decided: Graph) -> None:
    rows = await shown(decided, "list_ranking_and_dissent")
    assert [(row["rank"], row["agent"], row["for"], row["others"]) for row in rows] == [
        (1, "dev-agent-3", ["dev-agent-1", "dev-agent-2"], []),
        (2, "dev-agent-2", ["dev-agent-3"], ["dev-agent-1"]),
        (3, "dev-agent-1", [], ["dev-agent-2", "dev-agent-3"]),
    ]


async def test_wins_are_counted_beside_what_chance_would_give(decided: Graph) -> None:
    rows = await shown(decided, "count_wins")
    assert [(row["agent"], row["seats"], row["wins"], row["chance"]) for row in rows] == [
        ("dev-agent-3", 1, 1, 0.3),
        ("dev-agent-1", 1, 0, 0.3),
        ("dev-agent-2", 1, 0, 0.3),
    ]


async def test_processes_are_listed_with_what_they_claimed(decided: Graph) -> None:
    [row] = await shown(decided, "list_claims_of_processes")
    assert (row["process"], row["claims"], row["resumed"], row["holds"]) == ("prc_one", 1, 0, 0)


async def test_the_browser_opens_with_the_councils_and_the_newest_deliberation(
    decided: Graph,
) -> None:
    [row] = await decided.read("browser/start")
    assert len(row["councils"]) == 15
    assert len(row["turns"]) == 12
