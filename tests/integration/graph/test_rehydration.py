"""What a process reads at its start is what the graph shows."""

from __future__ import annotations

import pytest

from orchestrator.domain.drafts import AgentDraft, CouncilDraft
from orchestrator.domain.filters import CouncilFilter
from orchestrator.domain.pages import PageRequest
from orchestrator.engine.registry import Registry
from orchestrator.graph.councils import Councils
from orchestrator.graph.driver import Graph
from orchestrator.graph.rehydration import rehydrate
from tests.integration.graph.conftest import Run, with_endpoints

pytestmark = [pytest.mark.neo4j]

LONGEST = "n" * 255


async def test_an_empty_graph_is_an_empty_registry(empty_graph: Graph) -> None:
    assert await rehydrate(empty_graph) == Registry()


async def test_the_registry_holds_what_the_graph_shows(seeded: Councils, run: Run) -> None:
    await seeded.register_endpoint("gpu", "http://gpu/v1", "COUNCIL_KEY_GPU", None)
    await seeded.create_role('Ünicode "quoted" \\', None, None)
    odd = CouncilDraft(
        role='Ünicode "quoted" \\',
        name=LONGEST,
        agents=(
            AgentDraft(name=LONGEST, persona="漢字 'x' `y` {z} $w", metadata='{"a": null}'),
            AgentDraft(model="own", endpoint="gpu", temperature=0.0),
        ),
    )
    await seeded.create_council(odd, None)
    await run("make_deliberation", id="dlb_1", status="DECIDED", agent="dev-agent-1", endpoint=None)
    archived = await seeded.council_by_role("QA")
    assert archived is not None
    await seeded.archive_council(archived.id, None)
    registry = await rehydrate(seeded.graph)
    shown = (await seeded.councils(PageRequest(limit=100), CouncilFilter())).items
    assert registry.councils == {one.id: await with_endpoints(seeded, one) for one in shown}
    assert (len(registry.councils), registry.agents) == (5, 14)


async def test_what_is_the_same_is_one_object(seeded: Councils) -> None:
    registry = await rehydrate(seeded.graph)
    models = {id(seat.model) for c in registry.councils.values() for seat in c.seats}
    assert len(models) == 1


@pytest.mark.parametrize("councils_made", [99, 100, 101, 250])
async def test_councils_come_in_rows_of_many_and_none_is_lost_between_them(
    graph: Graph, run: Run, councils_made: int
) -> None:
    await run("make_councils", count=councils_made)
    registry = await rehydrate(graph)
    assert sorted(registry.councils) == [f"cou_{n:05}" for n in range(1, councils_made + 1)]
    assert all(
        [seat.number for seat in council.seats] == [1, 2, 3]
        for council in registry.councils.values()
    )
