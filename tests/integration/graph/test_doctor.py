"""Every rule of the doctor is broken in a real graph and seen, alone; a graph that the service made breaks none."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any, LiteralString, cast

import pytest
from neo4j import AsyncDriver, AsyncTransaction, Record

from orchestrator.domain.deliberations import StopReason
from orchestrator.domain.ids import Prefix
from orchestrator.engine.ports import Retry
from orchestrator.graph import statements
from orchestrator.graph.deliberations import GraphDeliberations
from orchestrator.graph.doctor import MOST_OF_A_RULE, examine, rules
from orchestrator.graph.driver import Graph
from orchestrator.graph.seeding import read_seed, seed, settle_defaults
from tests.support.deliberating import LEASE, a_verdict, all_turns, an_order, fresh, recordings
from tests.support.neo4j import statement, wipe

pytestmark = [pytest.mark.neo4j]


def _statement_of(part: str) -> LiteralString:
    """Cut one statement out of a file of the tests, which vouches for it."""
    return cast("LiteralString", part.partition("\n")[2].strip().removesuffix(";"))


_PARTS = statement("graph/violations").split("// rule: ")[1:]
BREAKS: dict[str, LiteralString] = {part.partition("\n")[0]: _statement_of(part) for part in _PARTS}


def rule_of(way: str) -> str:
    """Name the rule that is broken that way."""
    return way.partition(",")[0]


class Uncommitted:
    """Reads what a transaction of the test has changed, which is then rolled back."""

    def __init__(self, transaction: AsyncTransaction) -> None:
        self._transaction = transaction

    async def stream(
        self, name: str, /, *, seconds: float | None = None, **parameters: Any
    ) -> AsyncGenerator[Record, None]:
        assert seconds
        result = await self._transaction.run(statements.statement(name), parameters)
        async for record in result:
            yield record


@pytest.fixture(scope="module")
async def sound(migrated_graph: Graph, driver: AsyncDriver) -> Graph:
    await wipe(driver, migrated_graph.database)
    await fill_soundly(migrated_graph)
    return migrated_graph


async def fill_soundly(graph: Graph) -> GraphDeliberations:
    """Seed councils, of which DEV has decided, QA has failed, DEVOPS was cancelled and is retried, ARCHITECT is at work and DATA waits."""
    await settle_defaults(graph, "http://127.0.0.1:8000/v1", "m")
    await seed(graph, read_seed(None))
    deliberations = GraphDeliberations(graph)
    await deliberations.enter("prc_one", "host", LEASE)
    for role in ("DEV", "QA", "ARCHITECT"):
        await deliberations.accept(an_order(role, external_id=role, token_budget=50_000))
        (held,) = await deliberations.claim("prc_one", 1, (), ())
        await deliberations.reserve(held, 700)
        if role == "ARCHITECT":
            continue
        turns = all_turns(held.deliberation)
        await deliberations.record(recordings(held, turns))
        if role == "DEV":
            assert await deliberations.decide(held, 13, a_verdict(turns), StopReason.COMPLETED)
        else:
            assert await deliberations.fail(held, 13, StopReason.QUORUM_LOST, "nobody is left")
    cancelled = await deliberations.accept(an_order("DEVOPS"))
    await deliberations.cancel(cancelled.deliberation, "nobody asked for it")
    retry = fresh(Prefix.DELIBERATION)
    await deliberations.retry(Retry(deliberation=retry, of=cancelled.deliberation))
    await deliberations.accept(an_order("DATA"))
    return deliberations


async def test_a_graph_that_the_service_made_breaks_no_rule(sound: Graph) -> None:
    assert await examine(sound) == ()


def test_every_rule_is_broken_by_a_test_and_says_what_it_means() -> None:
    assert sorted(set(map(rule_of, BREAKS))) == [rule.name for rule in rules()]
    assert all(rule.meaning.endswith(".") for rule in rules())


@pytest.mark.parametrize("way", sorted(BREAKS))
async def test_what_breaks_a_rule_is_seen_and_nothing_else(
    sound: Graph, driver: AsyncDriver, way: str
) -> None:
    async with driver.session(database=sound.database) as session:
        transaction = await session.begin_transaction()
        async with transaction:
            result = await transaction.run(BREAKS[way])
            assert (await result.consume()).counters.contains_updates
            found = await examine(Uncommitted(transaction))
            await transaction.rollback()
    assert {violation.rule for violation in found} == {rule_of(way)}
    assert all(violation.ids for violation in found)


async def test_a_rule_that_is_broken_everywhere_is_listed_up_to_a_bound(
    sound: Graph, driver: AsyncDriver
) -> None:
    async with driver.session(database=sound.database) as session:
        transaction = await session.begin_transaction()
        async with transaction:
            much = statement("graph/make_many_strangers")
            await (await transaction.run(much, many=MOST_OF_A_RULE + 500)).consume()
            found = await examine(Uncommitted(transaction))
            await transaction.rollback()
    assert len(found) == MOST_OF_A_RULE
