"""What breaks a rule of the doctor is not exported, or is not what a file says."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from neo4j import AsyncDriver, AsyncTransaction, Record

from orchestrator.domain.errors import RefusedError
from orchestrator.graph import statements
from orchestrator.graph.councils import Councils
from orchestrator.graph.deliberations import GraphDeliberations
from orchestrator.graph.driver import Graph
from orchestrator.graph.moving.checking import check
from orchestrator.graph.moving.exporting import export
from orchestrator.graph.moving.form import Contents, Kind
from orchestrator.graph.moving.rows import UnsoundGraphError
from tests.integration.graph.test_doctor import BREAKS, fill_soundly, rule_of
from tests.support.deliberating import LEASE
from tests.support.moving import lines_of
from tests.support.neo4j import wipe

pytestmark = [pytest.mark.neo4j]

NOT_IN_A_FILE = {
    # What waits, and who holds what, is of one graph; an import decides it anew.
    "deliberation_held_by_nobody",
    "deliberation_nobody_seeks",
    # Labels follow from what a file says.
    "final_not_ranked",
    "status_label_differs",
    "turn_label_differs",
    "unknown_label",
    # A file names an endpoint of a model once.
    "model_served_twice",
    # A file has only what belongs to something.
    "task_of_nothing",
    "claim_without_process",
    "seat_without_deliberation",
    "turn_without_deliberation",
    "verdict_without_deliberation",
    "unknown_relationship",
    "wrong_relationship_property",
    # A whole number in the place of a fraction is one in JSON, and written as one.
    "wrong_type",
}


class Uncommitted:
    """Reads what a transaction of the test has changed, which is then rolled back."""

    def __init__(self, transaction: AsyncTransaction) -> None:
        self._transaction = transaction

    async def read(self, name: str, /, **parameters: Any) -> list[Record]:
        result = await self._transaction.run(statements.statement(name), parameters)
        return [record async for record in result]


@pytest.fixture(scope="module")
async def sound(migrated_graph: Graph, driver: AsyncDriver) -> AsyncGenerator[Graph]:
    """The graph of test_doctor.py, whose processes have ended."""
    await wipe(driver, migrated_graph.database)
    deliberations = await fill_soundly(migrated_graph)
    await deliberations.release("prc_one")
    yield migrated_graph
    await wipe(driver, migrated_graph.database)


@pytest.mark.parametrize(
    "way", [way for way in sorted(BREAKS) if rule_of(way) not in NOT_IN_A_FILE]
)
async def test_what_breaks_a_rule_is_not_moved(sound: Graph, driver: AsyncDriver, way: str) -> None:
    async with driver.session(database=sound.database) as session:
        transaction = await session.begin_transaction()
        async with transaction:
            await (await transaction.run(BREAKS[way])).consume()
            with pytest.raises(UnsoundGraphError, match="nothing is exported"):
                await lines_of(Uncommitted(transaction), Contents.EVERYTHING)
            await transaction.rollback()


async def test_what_is_sound_is_moved(sound: Graph) -> None:
    check(await lines_of(sound, Contents.EVERYTHING), allow_link_local=False)


async def test_history_is_not_exported_while_a_process_is_at_work(sound: Graph) -> None:
    await GraphDeliberations(sound).enter("prc_busy", "its host", LEASE)
    with pytest.raises(RefusedError, match=r"process prc_busy on its host is at work.*600 s"):
        await lines_of(sound, Contents.EVERYTHING)
    await lines_of(sound, Contents.COUNCILS)
    await GraphDeliberations(sound).release("prc_busy")
    await lines_of(sound, Contents.EVERYTHING)


async def test_a_process_that_came_and_went_while_history_was_exported_is_seen(
    sound: Graph,
) -> None:
    lines = export(sound, Contents.EVERYTHING)
    await anext(lines)
    deliberations = GraphDeliberations(sound)
    await deliberations.enter("prc_brief", "its host", LEASE)
    await deliberations.release("prc_brief")
    with pytest.raises(RefusedError, match="process prc_brief on its host was at work while"):
        _ = [line async for line in lines]
    await lines_of(sound, Contents.EVERYTHING)


async def test_councils_that_change_while_they_are_exported_make_no_file(sound: Graph) -> None:
    lines = export(sound, Contents.COUNCILS)
    async for kind, _ in lines:
        if kind is Kind.COUNCIL:
            break
    agent = await Councils(sound).agent_by_name("dev-agent-1")
    assert agent is not None
    await Councils(sound).retire_agent(agent.id)
    with pytest.raises(UnsoundGraphError, match="Changed meanwhile: run it again"):
        _ = [line async for line in lines]
    await lines_of(sound, Contents.COUNCILS)
