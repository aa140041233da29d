"""What goes wrong between the service and Neo4j is told in the service's words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from orchestrator.domain.errors import UnavailableError
from orchestrator.graph.driver import Bounds, Graph, Transaction, open_graph
from orchestrator.graph.errors import (
    AuthenticationError,
    ConstraintViolatedError,
    MisconfiguredError,
    StatementRefusedError,
)
from orchestrator.graph.statements import statement, statements
from tests.integration.graph.conftest import Run
from tests.support.neo4j import Neo4jServer
from tests.support.waiting import until

pytestmark = [pytest.mark.neo4j]


def test_every_statement_begins_with_a_comment_that_says_what_it_is_for() -> None:
    for name, text in statements().items():
        assert text.startswith("// "), name


def test_a_statement_that_is_not_there_is_a_mistake_of_the_program() -> None:
    with pytest.raises(KeyError):
        statement("council/dissolve")


async def test_a_wrong_password_is_told_from_a_server_that_is_away(
    neo4j_server: Neo4jServer,
) -> None:
    server = neo4j_server
    async with open_graph(server.uri, server.user, "wrong", server.database) as graph:
        with pytest.raises(AuthenticationError):
            await graph.server()
        with pytest.raises(AuthenticationError):
            await graph.read("role/list")
    away = f"bolt://127.0.0.1:{1}"
    quick = Bounds(retry=0.1)
    async with open_graph(away, server.user, server.password, server.database, quick) as graph:
        with pytest.raises(UnavailableError) as caught:
            await graph.read("role/list")
        assert not isinstance(caught.value, AuthenticationError)


@pytest.mark.parametrize("uri", ["http://127.0.0.1:7474", "127.0.0.1:7687", "bolt://host:port"])
async def test_an_address_that_cannot_be_one_is_told_at_once(uri: str) -> None:
    with pytest.raises(MisconfiguredError, match="NEO4J_URI"):
        async with open_graph(uri, "neo4j", "secret", "neo4j"):
            pass


async def test_a_name_that_is_not_resolved_is_waited_for() -> None:
    quick = Bounds(retry=0.1)
    async with open_graph("bolt://nowhere.invalid:7687", "neo4j", "x", "neo4j", quick) as graph:
        with pytest.raises(UnavailableError):
            await graph.server()


async def test_the_server_says_who_it_is(empty_graph: Graph) -> None:
    assert (await empty_graph.server()).startswith("Neo4j/")


@pytest.mark.parametrize("value", ["a\ud800", ["x", "\udfff"], {"\ud800": 1}, 2**63, -(2**63) - 1])
async def test_what_the_driver_cannot_send_never_reaches_it(empty_graph: Graph, value: Any) -> None:
    with pytest.raises(StatementRefusedError):
        await empty_graph.read("agent/find_named", names=value)
    assert await empty_graph.read("agent/find_named", names=["x"]) == []


async def test_a_value_that_is_taken_says_of_what_it_is(empty_graph: Graph) -> None:
    role = {"name": "DEV", "description": None, "idempotencyKey": None, "inputDigest": None}
    await empty_graph.write("role/create", id="rol_1", **role)
    with pytest.raises(ConstraintViolatedError) as caught:
        await empty_graph.write("role/create", id="rol_2", **role)
    assert (caught.value.label, caught.value.key) == ("Role", "name")


async def test_a_value_that_cannot_be_indexed_is_refused_and_short_in_the_message(
    empty_graph: Graph,
) -> None:
    with pytest.raises(StatementRefusedError) as caught:
        await empty_graph.write(
            "role/create",
            id="rol_1",
            name="x" * 20_000,
            description=None,
            idempotencyKey=None,
            inputDigest=None,
        )
    assert len(str(caught.value)) < 1000


@asynccontextmanager
async def held_role(graph: Graph) -> AsyncGenerator[None]:
    """Hold the lock of the role DEV."""
    locked, done = asyncio.Event(), asyncio.Event()

    async def hold(transaction: Transaction) -> None:
        await transaction.run("role/lock", name="DEV")
        locked.set()
        await done.wait()

    rival = asyncio.create_task(graph.transact(hold))
    await locked.wait()
    try:
        yield
    finally:
        done.set()
        await rival


async def test_a_statement_that_takes_too_long_is_given_up(
    empty_graph: Graph, neo4j_server: Neo4jServer
) -> None:
    """A rival holds the lock; the server's bound strikes, and where that says nothing, our own."""
    await empty_graph.write(
        "role/create",
        id="rol_1",
        name="DEV",
        description=None,
        idempotencyKey=None,
        inputDigest=None,
    )
    server = neo4j_server
    async with held_role(empty_graph):
        for bounds in (Bounds(transaction=0.2, retry=0.01), Bounds(answer=0.2)):
            async with open_graph(
                server.uri, server.user, server.password, server.database, bounds
            ) as graph:
                with pytest.raises(UnavailableError):
                    await graph.write("role/lock", name="DEV")


async def test_a_transaction_that_an_operator_ended_is_one_to_send_again(
    empty_graph: Graph, run: Run
) -> None:
    async def work(transaction: Transaction) -> None:
        await transaction.run("role/list")
        assert len(await run("terminate_others")) == 1
        await transaction.run("role/list")

    with pytest.raises(UnavailableError, match="terminated"):
        await empty_graph.transact(work)


async def test_what_a_transaction_raises_undoes_it(empty_graph: Graph) -> None:
    class OursError(Exception):
        pass

    async def work(transaction: Transaction) -> None:
        await transaction.run(
            "role/create",
            id="rol_1",
            name="DEV",
            description=None,
            idempotencyKey=None,
            inputDigest=None,
        )
        raise OursError

    with pytest.raises(OursError):
        await empty_graph.transact(work)
    assert await empty_graph.read("role/list") == []


async def test_a_stream_brings_everything_in_order(empty_graph: Graph) -> None:
    for number in range(3):
        await empty_graph.write(
            "role/create",
            id=f"rol_{number}",
            name=f"R{number}",
            description=None,
            idempotencyKey=None,
            inputDigest=None,
        )
    found = [record["role"][1] async for record in empty_graph.stream("role/list")]
    assert found == ["R0", "R1", "R2"]


async def test_whoever_has_room_for_some_leaves_connections_to_the_others(
    neo4j_server: Neo4jServer,
) -> None:
    server = neo4j_server
    bounds = Bounds(pool=3, acquire=2.0, retry=0.1)
    over = asyncio.Event()
    begun = 0

    async def hold(transaction: Transaction) -> None:
        nonlocal begun
        await transaction.run("role/list")
        begun += 1
        await over.wait()

    async with (
        open_graph(server.uri, server.user, server.password, server.database, bounds) as graph,
        asyncio.TaskGroup() as holders,
    ):
        shown = graph.with_room_for(2)
        for _ in range(5):
            holders.create_task(shown.transact(hold))
        await until(lambda: begun == 2)
        await graph.read("role/list")
        assert begun == 2
        over.set()
    assert begun == 5
