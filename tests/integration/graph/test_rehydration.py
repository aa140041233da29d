"""What a process reads at its start is what the graph shows."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import pytest
from neo4j import Record
from typing_extensions import override

from orchestrator.domain.drafts import AgentChange, AgentDraft, CouncilDraft
from orchestrator.domain.errors import UnreadableError
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


class _Overtaken(Graph):
    """Another process changes the graph each time, so many times, after a part of a stream's statement was answered."""

    def __init__(
        self, graph: Graph, *, after: str, change: Callable[[int], Awaitable[Any]], times: int = 1
    ) -> None:
        super().__init__(graph.driver, graph.address, graph.database, graph.bounds)
        self._after = after
        self._change = change
        self._times = times
        self._looks = 0

    @override
    async def stream(
        self, name: str, /, *, seconds: float | None = None, **parameters: Any
    ) -> AsyncGenerator[Record, None]:
        self._looks += 1
        records = [record async for record in super().stream(name, seconds=seconds, **parameters)]
        if self._looks <= self._times:
            at = 1 + max(i for i, one in enumerate(records) if one["kind"] == self._after)
            await self._change(self._looks)
            later = [record async for record in super().stream(name, seconds=seconds, **parameters)]
            records[at:] = later[at:]
        for record in records:
            yield record


async def _an_agent(councils: Councils) -> str:
    agent = await councils.agent_by_name("dev-agent-1")
    assert agent is not None
    return agent.id


async def test_model_that_another_process_names_meanwhile_is_read_with_all_else(
    seeded: Councils,
) -> None:
    agent = await _an_agent(seeded)
    graph = _Overtaken(
        seeded.graph,
        after="model",
        change=lambda _: seeded.update_agent(agent, AgentChange(model="new")),
    )

    registry = await rehydrate(graph)

    assert "new" in {seat.model.name for c in registry.councils.values() for seat in c.seats}


async def test_endpoint_that_another_process_registers_meanwhile_is_read_with_all_else(
    seeded: Councils,
) -> None:
    agent = await _an_agent(seeded)

    async def register(_: int) -> None:
        await seeded.register_endpoint("gpu", "http://gpu/v1", None, None)
        await seeded.update_agent(agent, AgentChange(model="own", endpoint="gpu"))

    registry = await rehydrate(_Overtaken(seeded.graph, after="endpoint", change=register))

    seats = [seat for council in registry.councils.values() for seat in council.seats]
    assert {seat.endpoint.name for seat in seats if seat.endpoint is not None} == {"gpu"}


async def test_councils_that_name_what_is_not_read_each_time_are_told_of_by_the_id_of_one(
    seeded: Councils,
) -> None:
    agent = await _an_agent(seeded)
    graph = _Overtaken(
        seeded.graph,
        after="model",
        change=lambda n: seeded.update_agent(agent, AgentChange(model=f"new-{n}")),
        times=9,
    )

    with pytest.raises(UnreadableError, match="cou_"):
        await rehydrate(graph)
