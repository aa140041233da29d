"""A process whose password was changed beneath it locks nobody out, and goes on where it can."""

from __future__ import annotations

import asyncio

import pytest
from neo4j import AsyncDriver, AsyncGraphDatabase

from orchestrator.domain.errors import AuthenticationError
from orchestrator.graph.driver import Graph, Transaction, open_graph
from orchestrator.graph.logins import PAUSE
from tests.support.bolt_proxy import BoltProxy
from tests.support.neo4j import Neo4jServer
from tests.support.users import another_user

pytestmark = [pytest.mark.neo4j]


@pytest.mark.usefixtures("empty_graph")
async def test_a_password_that_was_changed_beneath_a_process_locks_nobody_out(
    neo4j_server: Neo4jServer, driver: AsyncDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = neo4j_server

    async def read_beside(graph: Graph, proxy: BoltProxy) -> None:
        """Have one connection, and want more after the password was changed."""

        async def work(transaction: Transaction) -> None:
            await transaction.run("role/list")
            open_before = proxy.connections
            await user.change_password("another-one")
            for _ in range(8):
                with pytest.raises(AuthenticationError, match="NEO4J_PASSWORD"):
                    await graph.read("role/list")
            assert proxy.connections == open_before + 1
            await transaction.run("role/list")

        await graph.transact(work)

    async with (
        another_user(driver) as user,
        BoltProxy(server.uri) as proxy,
        open_graph(proxy.uri, user.name, user.password, server.database) as graph,
    ):
        await read_beside(graph, proxy)
        # The connection that is open is used on.
        await graph.read("role/list")
        right = AsyncGraphDatabase.driver(server.uri, auth=(user.name, "another-one"))
        async with right:
            await right.verify_connectivity()

        proxy.cut()
        await user.change_password(user.password)
        loop = asyncio.get_running_loop()
        clock = loop.time
        monkeypatch.setattr(loop, "time", lambda: clock() + PAUSE)
        await graph.read("role/list")
