"""What goes wrong between the service and Neo4j is told in the service's words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from neo4j.exceptions import TransientError

from orchestrator.domain.errors import AuthenticationError, UnavailableError
from orchestrator.graph.driver import Bounds, Graph, Transaction, open_graph
from orchestrator.graph.errors import (
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
    async with open_graph(server.uri, server.user, None, server.database) as graph:
        with pytest.raises(AuthenticationError, match="NEO4J_PASSWORD is not set"):
            await graph.server()
    away = f"bolt://127.0.0.1:{1}"
    quick = Bounds(retry=0.1)
    async with open_graph(away, server.user, server.password, server.database, quick) as graph:
        with pytest.raises(UnavailableError) as caught:
            await graph.read("role/list")
        assert not isinstance(caught.value, AuthenticationError)


async def _why(uri: str) -> str:
    """What an operator is told of an address at which there is no Neo4j, beyond what a caller is."""
    bounds = Bounds(retry=0.1)
    async with open_graph(uri, "neo4j", "secret", "neo4j", bounds) as graph:
        with pytest.raises(UnavailableError) as caught:
            await graph.server()
    assert caught.value.what == "Neo4j cannot be reached"
    assert str(caught.value) == f"Neo4j cannot be reached {caught.value.why}"
    return str(caught.value.why)


@pytest.mark.parametrize("scheme", ["bolt", "neo4j"])
async def test_where_nobody_listens_the_address_and_the_refusal_are_told(scheme: str) -> None:
    assert await _why(f"{scheme}://127.0.0.1:1") == f"at {scheme}://127.0.0.1:1: Connection refused"


async def test_a_host_that_is_not_known_is_told_with_its_name() -> None:
    why = await _why("neo4j://nowhere.invalid:7687")
    assert why.startswith("at neo4j://nowhere.invalid:7687: ")
    assert "name" in why.partition(": ")[2].lower()


async def test_who_listens_without_speaking_bolt_or_tls_is_told_apart() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert "does not answer as Neo4j does" in await _why(f"bolt://127.0.0.1:{port}")
        assert "TLS failed" in await _why(f"bolt+s://127.0.0.1:{port}")


@pytest.mark.parametrize("scheme", ["bolt+s", "bolt+ssc", "neo4j+ssc"])
async def test_a_neo4j_that_speaks_without_tls_is_told_as_perhaps_that(
    neo4j_server: Neo4jServer, scheme: str
) -> None:
    why = await _why(f"{scheme}:{neo4j_server.uri.partition(':')[2]}")
    assert why.endswith(
        "it ended the TLS handshake; perhaps it speaks without TLS (bolt://, neo4j://)"
    )


async def test_who_ends_what_is_not_encrypted_may_ask_for_tls() -> None:
    async def end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(4)
        writer.close()

    async with await asyncio.start_server(end, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        for scheme in ("bolt", "neo4j"):
            why = await _why(f"{scheme}://127.0.0.1:{port}")
            assert why.endswith(
                "does not answer as Neo4j does, or asks for TLS (bolt+s://, bolt+ssc://)"
            )


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
    role: dict[str, Any] = {
        "name": "DEV",
        "description": None,
        "createdBy": None,
        "idempotencyKey": None,
        "inputDigest": None,
    }
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
            createdBy=None,
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
        createdBy=None,
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
        assert await run("terminate_others")
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
            createdBy=None,
            idempotencyKey=None,
            inputDigest=None,
        )
        raise OursError

    with pytest.raises(OursError):
        await empty_graph.transact(work)
    assert await empty_graph.read("role/list") == []


async def test_work_that_was_given_up_for_a_passing_reason_is_soon_done_again(
    neo4j_server: Neo4jServer,
) -> None:
    """Waited for by a second, as the driver has it, a deadlock would cost a caller that, and three be all that he has."""
    server, bounds = neo4j_server, Bounds(retry=0.5)
    done = 0

    async def work(_: Transaction) -> None:
        nonlocal done
        done += 1
        raise TransientError

    async with open_graph(server.uri, server.user, server.password, server.database, bounds) as one:
        with pytest.raises(UnavailableError):
            await one.transact(work)
    assert done > 3


async def test_a_stream_brings_everything_in_order(empty_graph: Graph) -> None:
    for number in range(3):
        await empty_graph.write(
            "role/create",
            id=f"rol_{number}",
            name=f"R{number}",
            description=None,
            createdBy=None,
            idempotencyKey=None,
            inputDigest=None,
        )
    found = [record["role"][1] async for record in empty_graph.stream("role/list")]
    assert found == ["R0", "R1", "R2"]


async def test_whoever_has_room_for_some_leaves_connections_to_the_others(
    neo4j_server: Neo4jServer,
) -> None:
    server = neo4j_server
    bounds = Bounds(pool=3, acquire=20.0, retry=0.1)
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
