"""What the tests of the graph share: a graph with its defaults, and a way to see all of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from neo4j import AsyncDriver

from orchestrator.domain.councils import Council
from orchestrator.domain.drafts import AgentDraft, CouncilDraft
from orchestrator.domain.values import replace
from orchestrator.graph.councils import Councils
from orchestrator.graph.driver import Graph
from orchestrator.graph.seeding import read_seed, seed, settle_defaults
from tests.support.neo4j import statement

Run = Callable[..., Awaitable[list[dict[str, Any]]]]


@pytest.fixture
def run(driver: AsyncDriver, migrated_graph: Graph) -> Run:
    """Run a statement of the tests, by a connection of their own."""

    async def run(name: str, /, **parameters: Any) -> list[dict[str, Any]]:
        result = await driver.execute_query(
            statement(f"graph/{name}"), parameters, database_=migrated_graph.database
        )
        return [record.data() for record in result.records]

    return run


@pytest.fixture
def whole_graph(run: Run) -> Callable[[], Awaitable[list[Any]]]:
    """Read everything, to be compared with what was there before; `lock` only takes locks and says nothing."""

    async def read() -> list[Any]:
        rows = await run("read_whole_graph")
        for row in rows:
            row["properties"].pop("lock", None)
        return rows

    return read


@pytest.fixture
async def graph(empty_graph: Graph) -> Graph:
    """A graph with the default model and endpoint, and no council."""
    await settle_defaults(empty_graph, "http://127.0.0.1:8000/v1", "Qwen/Qwen2.5-0.5B-Instruct")
    return empty_graph


@pytest.fixture
def councils(graph: Graph) -> Councils:
    return Councils(graph)


@pytest.fixture
async def seeded(graph: Graph) -> Councils:
    """The five councils that a new graph begins with."""
    await seed(graph, read_seed(None))
    return Councils(graph)


@pytest.fixture
async def dev(councils: Councils) -> str:
    """The id of a council of three that serves DEV."""
    await councils.create_role("DEV", "Writes software.", None)
    return await councils.create_council(
        CouncilDraft(role="DEV", agents=(AgentDraft(), AgentDraft(), AgentDraft())), None
    )


async def with_endpoints(councils: Councils, council: Council) -> Council:
    """A council whose models say which endpoints serve them, as who deliberates has it."""
    models = {model.id: model for model in await councils.models()}
    return replace(
        council,
        seats=tuple(
            replace(
                seat,
                model=models[seat.model.id],
                agent=replace(seat.agent, model=models[seat.model.id]),
            )
            for seat in council.seats
        ),
    )
