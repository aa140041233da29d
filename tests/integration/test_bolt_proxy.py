"""The proxy of the fault tests, between a real driver and a real Neo4j: what it says must be so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest
from neo4j import AsyncDriver, AsyncGraphDatabase
from neo4j.exceptions import ServiceUnavailable, SessionExpired

from tests.support.bolt_proxy import BoltProxy, Side, Tag
from tests.support.neo4j import Neo4jServer, statement

pytestmark = [pytest.mark.neo4j, pytest.mark.usefixtures("empty_graph")]

_MARK = statement("make_mark")
_COUNT = statement("count_marks")


@pytest.fixture
async def proxy(neo4j_server: Neo4jServer) -> AsyncGenerator[BoltProxy]:
    async with BoltProxy(neo4j_server.uri) as proxy:
        yield proxy


@pytest.fixture
async def through(proxy: BoltProxy, neo4j_server: Neo4jServer) -> AsyncGenerator[AsyncDriver]:
    """A driver that goes through the proxy and repeats nothing."""
    auth = (neo4j_server.user, neo4j_server.password)
    async with AsyncGraphDatabase.driver(
        proxy.uri, auth=auth, max_transaction_retry_time=0, liveness_check_timeout=0
    ) as driver:
        yield driver


async def _count(driver: AsyncDriver) -> int:
    return (await driver.execute_query(_COUNT)).records[0]["count"]


async def _mark(driver: AsyncDriver, name: str) -> str:
    return (await driver.execute_query(_MARK, name=name)).records[0]["name"]


async def test_what_nothing_traps_passes_unchanged(through: AsyncDriver) -> None:
    count_up = statement("count_up")
    long = "x" * 200_000  # more than a chunk holds
    [row] = (await through.execute_query(count_up, text=long, rows=1)).records
    assert row["text"] == long
    rows = (await through.execute_query(count_up, text="", rows=5000)).records
    assert [row["i"] for row in rows] == list(range(1, 5001))


async def test_a_statement_held_before_the_server_is_lost_when_cut(
    proxy: BoltProxy, through: AsyncDriver, driver: AsyncDriver
) -> None:
    trap = proxy.trap(Side.REQUEST, Tag.RUN, "Make a mark")
    await through.execute_query(_COUNT)
    assert trap.passings == []
    marking = asyncio.create_task(_mark(through, "lost"))
    passing = await trap.sprung()
    assert (passing.tag, passing.statements, trap.holding) == (Tag.RUN, (_MARK,), 1)
    trap.cut()
    with pytest.raises((ServiceUnavailable, SessionExpired)):
        await marking
    assert trap.holding == 0
    assert await _count(driver) == 0


async def test_a_statement_held_and_released_is_run(
    proxy: BoltProxy, through: AsyncDriver, driver: AsyncDriver
) -> None:
    trap = proxy.trap(Side.REQUEST, Tag.RUN, "Make a mark")
    marking = asyncio.create_task(_mark(through, "late"))
    await trap.sprung()
    assert await _count(driver) == 0
    trap.release()
    assert await marking == "late"
    assert await _count(driver) == 1


async def test_a_commit_held_before_the_server_is_rolled_back_when_cut(
    proxy: BoltProxy, through: AsyncDriver, driver: AsyncDriver
) -> None:
    trap = proxy.trap(Side.REQUEST, Tag.COMMIT, "Make a mark")
    marking = asyncio.create_task(_mark(through, "rolled back"))
    await trap.sprung()
    trap.cut()
    with pytest.raises((ServiceUnavailable, SessionExpired)):
        await marking
    assert await _count(driver) == 0


async def test_a_commit_whose_answer_is_withheld_is_in_the_graph(
    proxy: BoltProxy, through: AsyncDriver, driver: AsyncDriver
) -> None:
    trap = proxy.trap(Side.ANSWER, Tag.COMMIT, "Make a mark")
    marking = asyncio.create_task(_mark(through, "unanswered"))
    passing = await trap.sprung()
    assert (passing.outcome, passing.statements) == (Tag.SUCCESS, (_MARK,))
    assert await _count(driver) == 1
    trap.cut()
    with pytest.raises((ServiceUnavailable, SessionExpired)):
        await marking
    assert await _count(driver) == 1


async def test_the_answer_to_a_transaction_without_begin_is_that_to_its_pull(
    proxy: BoltProxy, through: AsyncDriver, driver: AsyncDriver
) -> None:
    trap = proxy.trap(Side.ANSWER, Tag.PULL, "Make a mark")

    async def mark() -> None:
        async with through.session() as session:
            await (await session.run(_MARK, name="alone")).consume()

    marking = asyncio.create_task(mark())
    assert (await trap.sprung()).statements == (_MARK,)
    assert await _count(driver) == 1
    trap.release()
    await marking


async def test_a_trap_lets_the_first_pass_springs_so_often_and_no_more(
    proxy: BoltProxy, through: AsyncDriver, driver: AsyncDriver
) -> None:
    trap = proxy.trap(Side.REQUEST, Tag.COMMIT, "Make a mark", skip=1, times=2, hold=False)
    for name in "abcde":
        await _mark(through, name)
    assert len(trap.passings) == 2
    assert await _count(driver) == 5


async def test_a_failed_statement_is_told_as_a_failure(
    proxy: BoltProxy, through: AsyncDriver
) -> None:
    trap = proxy.trap(Side.ANSWER, Tag.RUN, "nonsense", hold=False)
    with pytest.raises(Exception, match="Invalid input"):
        await through.execute_query("nonsense")
    assert (await trap.sprung()).outcome is Tag.FAILURE


async def test_cut_ends_every_connection_and_refuse_keeps_new_ones_out(
    proxy: BoltProxy, through: AsyncDriver
) -> None:
    await _mark(through, "before")
    proxy.refuse()
    proxy.cut()
    with pytest.raises((ServiceUnavailable, SessionExpired)):
        await _mark(through, "refused")
    uri = proxy.uri
    await proxy.admit()
    assert proxy.uri == uri
    assert await _mark(through, "after") == "after"


async def test_a_delay_makes_every_message_late(proxy: BoltProxy, through: AsyncDriver) -> None:
    await through.execute_query(_COUNT)
    proxy.delay = 0.05
    began = asyncio.get_running_loop().time()
    await through.execute_query(_COUNT)
    # At least one message each way.
    assert asyncio.get_running_loop().time() - began >= 0.1


async def test_connections_of_two_clients_are_held_apart(
    proxy: BoltProxy,
    through: AsyncDriver,
    neo4j_server: Neo4jServer,
    driver: AsyncDriver,
) -> None:
    trap = proxy.trap(Side.REQUEST, Tag.RUN, "Make a mark")
    marking = asyncio.create_task(_mark(through, "held"))
    await trap.sprung()
    auth = (neo4j_server.user, neo4j_server.password)
    async with AsyncGraphDatabase.driver(proxy.uri, auth=auth) as other:
        assert await _mark(other, "free") == "free"
    trap.release()
    await marking
    assert await _count(driver) == 2
