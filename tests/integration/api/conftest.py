"""The API over a real graph, spoken to over HTTP without a network; what deliberates is the test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import httpx
import pytest
from neo4j import AsyncDriver, Record
from strawberry.types import ExecutionResult

from orchestrator.api.app import build_app
from orchestrator.api.context import Context
from orchestrator.api.ports import Ports
from orchestrator.api.schema import SCHEMA
from orchestrator.domain.callers import Scope
from orchestrator.engine.changes import Changes
from orchestrator.engine.events import LiveEvent, Moved
from orchestrator.engine.following import Board
from orchestrator.engine.lookout import Lookout
from orchestrator.engine.ports import Accepted, Order, Retry
from orchestrator.graph.councils import Councils
from orchestrator.graph.deliberations import GraphDeliberations
from orchestrator.graph.driver import Graph
from orchestrator.graph.news import GraphNews
from orchestrator.graph.records import GraphRecords
from orchestrator.graph.seeding import read_seed, seed, settle_defaults
from orchestrator.identity.doorkeeper import Doorkeeper
from orchestrator.identity.means import Means
from tests.support.neo4j import statement
from tests.support.samples import ANYBODY
from tests.unit.api.doubles import Doctor, State

Ran = list[tuple[str, dict[str, Any]]]
"""Statements by their names, with what they were given."""


class Desk:
    """The engine without its runners: it accepts, and posts what a test makes happen."""

    def __init__(self, deliberations: GraphDeliberations, board: Board) -> None:
        self.deliberations = deliberations
        self.board = board

    async def accept(self, order: Order) -> Accepted:
        accepted = await self.deliberations.accept(order)
        self.board.post(Moved(deliberation=accepted.deliberation, changed=True))
        return accepted

    async def retry(self, order: Retry) -> Accepted:
        return await self.deliberations.retry(order)

    async def cancel(self, deliberation: str, reason: str | None, *, by: str | None = None) -> None:
        await self.deliberations.cancel(deliberation, reason, by=by)
        self.board.post(Moved(deliberation=deliberation, changed=True))

    def follow(self, deliberation: str) -> AsyncIterator[LiveEvent]:
        return self.board.follow(deliberation)

    def obstacles(self, deliberation: str) -> tuple[str, ...] | None:
        del deliberation  # it runs none


class Api:
    """The app over the graph."""

    def __init__(self, client: httpx.AsyncClient, ports: Ports, desk: Desk, state: State) -> None:
        self.client = client
        self.ports = ports
        self.desk = desk
        self.state = state

    async def send(self, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Send a document; return the whole answer."""
        response = await self.client.post(
            "/graphql",
            content=json.dumps({"query": query, "variables": variables}),
            headers={"content-type": "application/json"},
        )
        assert response.status_code == 200, response.text
        return response.json()

    async def ask(self, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Send a document that must not fail; return its data."""
        answer = await self.send(query, variables)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    async def change(self, mutation: str, answer: str, **input: Any) -> dict[str, Any]:
        """Send one mutation; return its payload."""
        kind = f"{mutation[0].upper()}{mutation[1:]}Input"
        data = await self.ask(
            f"""mutation ($input: {kind}!) {{ {mutation}(input: $input) {{ {answer}
                errors {{ __typename path message ... on Conflict {{ existing {{ id }} }} }} }} }}""",
            {"input": input},
        )
        return data[mutation]

    async def follow(self, query: str, **variables: Any) -> AsyncIterator[dict[str, Any]]:
        """Subscribe; yield what comes until it ends."""
        results = await SCHEMA.stream(
            query, variable_values=variables, context_value=Context(self.ports, ANYBODY)
        )
        async for result in results:
            assert isinstance(result, ExecutionResult)
            assert not result.errors, result.errors
            assert result.data is not None
            yield result.data


@pytest.fixture
async def seeded(empty_graph: Graph) -> Graph:
    """The five councils that a new graph begins with."""
    await settle_defaults(empty_graph, "http://127.0.0.1:8000/v1", "Qwen/Qwen2.5-0.5B-Instruct")
    await seed(empty_graph, read_seed(None))
    return empty_graph


@pytest.fixture
async def api(seeded: Graph) -> AsyncGenerator[Api]:
    news = GraphNews(seeded)
    changes = Changes(news)
    board = Board(on_change=changes.look_at_deliberations)
    desk, state = Desk(GraphDeliberations(seeded), board), State()
    ports = Ports(
        councils=Councils(seeded),
        records=GraphRecords(seeded),
        docket=desk,
        changes=changes,
        watch=Doctor(),
        service=state,
        doorkeeper=Doorkeeper(Means(anonymous=Scope.MANAGE)),
    )
    transport = httpx.ASGITransport(build_app(ports))
    looking = [
        asyncio.create_task(Lookout(board, news).run()),
        asyncio.create_task(changes.run()),
    ]
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield Api(client, ports, desk, state)
    for task in looking:
        task.cancel()
    await asyncio.wait(looking)


@pytest.fixture
def whole_graph(driver: AsyncDriver, seeded: Graph) -> Callable[[], Awaitable[list[Any]]]:
    """Read everything; `lock` only takes locks and says nothing."""

    async def read() -> list[Any]:
        result = await driver.execute_query(
            statement("graph/read_whole_graph"), database_=seeded.database
        )
        rows = [record.data() for record in result.records]
        for row in rows:
            row["properties"].pop("lock", None)
        return rows

    return read


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> Ran:
    """The reading statements that were run, in order, with what they were given."""
    seen: Ran = []
    read = Graph.read

    async def noting(self: Graph, name: str, /, **parameters: Any) -> list[Record]:
        seen.append((name, parameters))
        return await read(self, name, **parameters)

    monkeypatch.setattr(Graph, "read", noting)
    return seen
