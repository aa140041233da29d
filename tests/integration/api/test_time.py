"""An operation that takes too long: it is told, and its transaction is gone from Neo4j, with the locks that it holds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, LiteralString

import httpx
import pytest
from neo4j import AsyncDriver
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from orchestrator.api.address import bind
from orchestrator.api.app import build_app
from orchestrator.api.listening import listening
from orchestrator.domain.values import replace
from orchestrator.graph import driver as graph_driver
from orchestrator.graph.councils import Councils
from orchestrator.graph.driver import Graph, Transaction
from orchestrator.graph.statements import statement
from tests.integration.api.conftest import Api
from tests.support import neo4j
from tests.support.waiting import eventually

pytestmark = pytest.mark.neo4j

SECONDS = 2.0

Running = Callable[[], Awaitable[list[str]]]
Endless = Callable[[str], LiteralString]


@pytest.fixture
async def hasty(api: Api) -> AsyncGenerator[Api]:
    """The same API, with less time."""
    ports = replace(api.ports, operation_seconds=SECONDS)
    transport = httpx.ASGITransport(build_app(ports))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield Api(client, ports, api.desk, api.state)


@pytest.fixture
def running(driver: AsyncDriver, seeded: Graph) -> Running:
    """The statements that Neo4j carries out, but for those that look for news."""

    async def read() -> list[str]:
        result = await driver.execute_query(
            neo4j.statement("graph/list_transactions"), database_=seeded.database
        )
        return [record["query"] for record in result.records]

    return read


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> Endless:
    """Have a statement take for ever, under its name; return what it is meanwhile."""

    def make(slow: str) -> LiteralString:
        text = neo4j.statement("graph/count_for_ever")

        def named(name: str) -> LiteralString:
            return text if name == slow else statement(name)

        monkeypatch.setattr(graph_driver, "statement", named)
        return text

    return make


@asynccontextmanager
async def locked(graph: Graph, name: str, **parameters: Any) -> AsyncGenerator[None]:
    """Hold the lock that a statement takes."""
    held, done = asyncio.Event(), asyncio.Event()

    async def hold(transaction: Transaction) -> None:
        await transaction.run(name, **parameters)
        held.set()
        await done.wait()

    holding = asyncio.create_task(graph.transact(hold))
    await held.wait()
    try:
        yield
    finally:
        done.set()
        await holding


@pytest.mark.parametrize(
    ("slow", "field", "document"),
    [
        ("role/list", "roles", "roles { name }"),
        # What several fields wait for together.
        ("council/find_by_id", "roles", "roles { council { seats { number } } }"),
        (
            "council/read_statistics",
            "council",
            'council(by: {role: "DEV"}) { statistics { accepted } }',
        ),
    ],
)
async def test_read_that_takes_too_long_is_told_and_gone_from_neo4j_at_once(  # noqa: PLR0917 - fixtures
    api: Api, hasty: Api, running: Running, endless: Endless, slow: str, field: str, document: str
) -> None:
    document = f"{{ {document} service {{ version }} }}"
    # Neo4j plans a statement when it is sent for the first time, and on a busy machine that takes a while.
    await api.ask(document)
    text = endless(slow)
    asked = asyncio.create_task(hasty.send(document))
    # It need not be seen before it is gone.
    await eventually(running, lambda found: text in found or asked.done())

    answer = await asked

    # Long before Neo4j's own bound strikes.
    await eventually(running, lambda found: text not in found, seconds=10)
    [error] = answer["errors"]
    assert answer["data"] == {field: None, "service": {"version": "1.2.3"}}
    assert (error["extensions"]["code"], error["path"]) == ("LIMIT", [field])
    assert error["extensions"]["limit"]["name"] == "seconds"


async def test_read_of_one_who_leaves_his_websocket_is_gone_from_neo4j_at_once(
    api: Api, running: Running, endless: Endless
) -> None:
    text = endless("role/list")
    listener = bind("127.0.0.1", 0)
    port: int = listener.getsockname()[1]
    async with listening(build_app(api.ports), listener):
        async with connect(
            f"ws://127.0.0.1:{port}/graphql", subprotocols=[Subprotocol("graphql-transport-ws")]
        ) as socket:
            await socket.send('{"type": "connection_init"}')
            await socket.recv()
            subscribe = {"id": "1", "type": "subscribe", "payload": {"query": "{ roles { name } }"}}
            await socket.send(json.dumps(subscribe))
            await eventually(running, lambda found: text in found)

        # Long before the time of an operation is over, or Neo4j's own bound strikes.
        await eventually(running, lambda found: text not in found, seconds=10)


async def test_mutation_that_waits_for_a_lock_too_long_is_told_and_writes_nothing_later(
    api: Api, hasty: Api, seeded: Graph, driver: AsyncDriver
) -> None:
    found = await api.ask('{ council(by: {role: "DEV"}) { id name } }')
    id_ = found["council"]["id"]

    async def wait_from_before() -> None:
        """Wait for the same lock, once: where it takes too long Neo4j gives this up first."""
        async with driver.session(database=seeded.database) as session:
            await (await session.run(statement("council/lock"), id=id_)).consume()

    async def blocked() -> int:
        result = await driver.execute_query(neo4j.statement("graph/count_blocked"))
        return result.records[0]["count"]

    async with locked(seeded, "council/lock", id=id_):
        waiting = asyncio.create_task(wait_from_before())
        await eventually(blocked, lambda count: count == 1)
        answer = await hasty.send(
            "mutation ($input: UpdateCouncilInput!) { updateCouncil(input: $input) { errors { code } } }",
            {"input": {"id": id_, "name": "another"}},
        )
        await eventually(blocked, lambda count: waiting.done() or count == 1)
        # So it was not for the lock that the mutation's transaction was given up.
        assert not waiting.done()
    await waiting

    [error] = answer["errors"]
    assert answer["data"] == {"updateCouncil": None}
    assert (error["extensions"]["code"], error["path"]) == ("LIMIT", ["updateCouncil"])
    assert "may have been carried out all the same" in error["message"]
    assert await api.ask('{ council(by: {role: "DEV"}) { id name } }') == found


async def test_statement_that_neo4j_ends_for_its_length_is_a_limit_too(
    api: Api, seeded: Graph, endless: Endless
) -> None:
    hasty = Graph(
        seeded.driver, seeded.address, seeded.database, replace(seeded.bounds, transaction=0.5)
    )
    ports = replace(api.ports, councils=Councils(hasty))
    transport = httpx.ASGITransport(build_app(ports))
    endless("role/list")

    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        response = await client.post("/graphql", json={"query": "{ roles { name } }"})

    [error] = response.json()["errors"]
    assert (error["extensions"]["code"], error["path"]) == ("LIMIT", ["roles"])
    assert error["extensions"]["limit"] == {"name": "seconds", "value": 0.5, "bound": 0.5}
