"""Whoever does not wait any more for a statement ends it in Neo4j, too: its transaction, and the locks that it holds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from orchestrator.graph import driver as graph_driver
from orchestrator.graph.driver import Graph, Transaction
from orchestrator.graph.statements import statement
from tests.integration.graph.conftest import Run
from tests.support import neo4j
from tests.support.waiting import eventually

pytestmark = [pytest.mark.neo4j]

SLOW = "role/list"
"""What takes for ever here, under its name."""


@pytest.fixture
def slow(empty_graph: Graph, monkeypatch: pytest.MonkeyPatch) -> Graph:
    """A graph one of whose statements takes for ever."""

    def named(name: str) -> object:
        return neo4j.statement("graph/count_for_ever") if name == SLOW else statement(name)

    monkeypatch.setattr(graph_driver, "statement", named)
    return empty_graph


async def _read(graph: Graph) -> object:
    return await graph.read(SLOW)


async def _write(graph: Graph) -> object:
    return await graph.write(SLOW)


async def _transact(graph: Graph) -> object:
    async def work(transaction: Transaction) -> object:
        return await transaction.run(SLOW)

    return await graph.transact(work)


async def _stream(graph: Graph) -> object:
    return [record async for record in graph.stream(SLOW)]


@pytest.mark.parametrize("way", [_read, _write, _transact, _stream])
async def test_statement_that_is_cancelled_is_gone_from_the_server_at_once(
    slow: Graph, run: Run, way: Callable[[Graph], Awaitable[object]]
) -> None:
    asked = asyncio.ensure_future(way(slow))
    await eventually(lambda: run("list_transactions"), lambda found: len(found) == 1)

    asked.cancel()
    await asyncio.wait([asked])

    # Long before the server's own bound strikes.
    await eventually(lambda: run("list_transactions"), lambda found: found == [], seconds=10)
    assert asked.cancelled()
