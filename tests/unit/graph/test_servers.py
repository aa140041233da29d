"""Which servers are worked with, and whose clock is said to differ."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from neo4j import Record

from orchestrator.graph.servers import TooOldError, clock_ahead, refuse_old


@pytest.mark.parametrize("agent", ["Neo4j/4.4.40", "Neo4j/5.15.0", "Neo4j/5.9.0", "Neo4j/5.25.1"])
def test_a_neo4j_from_before_what_the_statements_use_is_refused_with_the_version_that_is_needed(
    agent: str,
) -> None:
    with pytest.raises(TooOldError, match=rf"^NEO4J_URI names {agent}: 5\.26 or newer is needed$"):
        refuse_old(agent)


@pytest.mark.parametrize(
    "agent",
    ["Neo4j/5.26.0", "Neo4j/5.26.30", "Neo4j/5.27-aura", "Neo4j/2025.01.0", "Neo4j/2026.10.1"],
)
def test_a_newer_neo4j_is_taken_also_where_its_version_begins_with_a_year(agent: str) -> None:
    refuse_old(agent)


def test_what_does_not_say_its_version_as_neo4j_does_is_let_through() -> None:
    refuse_old("Neo4j/dev")


class Clock:
    """A graph whose server's clock is so far ahead of ours."""

    def __init__(self, ahead: timedelta) -> None:
        self._ahead = ahead

    async def read(self, name: str, /, **_: Any) -> list[Record]:
        assert name == "graph/read_clock"
        return [Record({"now": (datetime.now(UTC) + self._ahead).isoformat()})]


@pytest.mark.parametrize("minutes", [-20, 20])
async def test_a_clock_that_differs_from_the_servers_is_told_by_how_much_at_least(
    minutes: int,
) -> None:
    difference = timedelta(minutes=minutes)
    ahead = await clock_ahead(Clock(-difference))
    assert ahead / difference == pytest.approx(1, rel=0.1)
    assert abs(ahead) <= abs(difference)


async def test_what_the_way_to_the_server_can_explain_is_no_difference_of_clocks() -> None:
    assert await clock_ahead(Clock(timedelta())) == timedelta()
