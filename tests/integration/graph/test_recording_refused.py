"""A Neo4j that is configured in another way: what it refuses to the recorder, and what the doctor says of it.

It refuses for want of memory, for want of a lock, and since an operator ended what was under way.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import pytest
from neo4j import AsyncDriver
from structlog.testing import capture_logs
from structlog.typing import EventDict

from orchestrator.domain.deliberations import Turn, TurnOutcome
from orchestrator.domain.values import replace
from orchestrator.engine.ports import Held, Recording
from orchestrator.engine.recorder import Recorder
from orchestrator.graph import statements
from orchestrator.graph.deliberations import GraphDeliberations
from orchestrator.graph.doctor import endless_timeouts
from orchestrator.graph.driver import Graph, open_graph
from orchestrator.graph.indexes import await_indexes
from orchestrator.graph.migrations import migrate
from orchestrator.graph.seeding import read_seed, seed, settle_defaults
from orchestrator.local import configuration
from orchestrator.local.configuration import Ports
from tests.support.bolt_proxy import BoltProxy, Side, Tag, Trap
from tests.support.deliberating import (
    LEASE,
    a_rival,
    all_turns,
    an_order,
    one_more,
    proposals,
    recordings,
)
from tests.support.neo4j import LIBRARY, Neo4jServer, own_neo4j, statement
from tests.support.waiting import eventually, until

pytestmark = [pytest.mark.neo4j, pytest.mark.timeout(240)]

_MEMORY = "4m"
"""Of a transaction: room for one long turn, not for three."""
_LONG = "A word. " * 37_500
_LARGE = _LONG * 20
"""More than that, alone."""
_LOCK_WAIT = "1s"
_PATIENCE = 40
"""Seconds."""


@pytest.fixture(scope="module")
async def strict(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Neo4jServer]:
    """A Neo4j of this module: with little memory for a transaction, little patience for a lock, and no end to a transaction."""
    written = configuration.render

    def render(ports: Ports, *, digest: str) -> str:
        text = written(ports, digest=digest)
        assert "db.lock.acquisition.timeout=10s" in text
        text = text.replace(
            "db.lock.acquisition.timeout=10s", f"db.lock.acquisition.timeout={_LOCK_WAIT}"
        )
        assert "db.transaction.timeout=60s" in text
        text = text.replace("db.transaction.timeout=60s", "db.transaction.timeout=0s")
        return f"{text}db.memory.transaction.max={_MEMORY}\n"

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(configuration, "render", render)
        async with own_neo4j(tmp_path_factory.mktemp("neo4j"), library=LIBRARY) as own:
            server = Neo4jServer(uri=own.uri, user=own.user, password=own.password)
            async with open_graph(server.uri, server.user, server.password, server.database) as it:
                await migrate(it)
                await await_indexes(it)
                await settle_defaults(it, None, "a/model")
                await seed(it, read_seed(None))
            yield server


@pytest.fixture
async def strict_driver(strict: Neo4jServer) -> AsyncGenerator[AsyncDriver]:
    """A connection of the test's own."""
    async with strict.driver() as driver:
        yield driver


@pytest.fixture
async def proxy(strict: Neo4jServer) -> AsyncGenerator[BoltProxy]:
    """What the recorder's graph is reached through."""
    async with BoltProxy(strict.uri) as proxy:
        yield proxy


@pytest.fixture
async def strict_graph(strict: Neo4jServer, proxy: BoltProxy) -> AsyncGenerator[Graph]:
    """The graph as a process has it."""
    async with open_graph(proxy.uri, strict.user, strict.password, strict.database) as graph:
        yield graph


@pytest.fixture
async def held(strict_graph: Graph) -> Held:
    """A deliberation that this process holds."""
    deliberations = GraphDeliberations(strict_graph)
    await deliberations.enter("prc_one", "host", LEASE)
    await deliberations.accept(an_order())
    return await one_more(deliberations)


@asynccontextmanager
async def _recorder(graph: Graph) -> AsyncGenerator[Recorder]:
    recorder = Recorder(GraphDeliberations(graph))
    running = asyncio.create_task(recorder.run())
    try:
        yield recorder
    finally:
        running.cancel()
        await asyncio.wait([running])


async def _record(recorder: Recorder, turns: Sequence[Recording]) -> list[Turn]:
    # Sent again and again otherwise, where it never fits.
    async with asyncio.timeout(_PATIENCE):
        written = await asyncio.gather(*map(recorder.record, turns))
    return [one.turn for one in written]


def _answers(proxy: BoltProxy) -> Trap:
    """Watch what is answered to the recorder's statement."""
    return proxy.trap(
        Side.ANSWER, Tag.PULL, statements.statement("turn/record"), times=100, hold=False
    )


def _refused(answers: Trap) -> int:
    """Count the answers that brought nothing: it failed, or what it would have brought had failed before."""
    return sum(passing.outcome is not Tag.SUCCESS for passing in answers.passings)


async def _terminate_blocked(driver: AsyncDriver, database: str) -> int:
    ended = await driver.execute_query(statement("graph/terminate_blocked"), database_=database)
    return len(ended.records)


def _held_up(log: Sequence[EventDict]) -> list[str]:
    """The deliberations of which it was told that their turns have to wait."""
    return [line["deliberation"] for line in log if line["event"] == "turns_held_up"]


async def _are_there_once(graph: Graph, held: Held, recorded: Sequence[Turn]) -> None:
    """Each was taken and is in the graph as it was told, in a sequence without a gap."""
    assert {turn.outcome for turn in recorded} == {TurnOutcome.TAKEN}
    case = await GraphDeliberations(graph).load(held.deliberation)
    in_order = sorted(recorded, key=lambda turn: turn.sequence or 0)
    assert list(case.turns) == in_order
    assert [turn.sequence for turn in in_order] == list(range(2, len(recorded) + 2))


async def test_turns_that_are_more_than_a_transaction_may_hold_are_recorded_apart(
    strict_graph: Graph, proxy: BoltProxy, held: Held
) -> None:
    long = [replace(turn, content=_LONG) for turn in proposals(held.deliberation)]
    turns = [*long, *all_turns(held.deliberation)[3:]]
    answers = _answers(proxy)
    async with _recorder(strict_graph) as recorder:
        recorded = await _record(recorder, recordings(held, turns))
    assert _refused(answers)
    await _are_there_once(strict_graph, held, recorded)


async def test_a_turn_that_is_more_than_a_transaction_may_hold_is_recorded_as_absent(
    strict_graph: Graph, proxy: BoltProxy, held: Held
) -> None:
    large, other, _ = proposals(held.deliberation)
    turns = recordings(held, [replace(large, content=_LARGE), other])
    answers = _answers(proxy)
    async with _recorder(strict_graph) as recorder:
        absent, taken = await _record(recorder, turns)
    assert _refused(answers)
    assert (absent.outcome, taken.outcome) == (TurnOutcome.ABSENT, TurnOutcome.TAKEN)
    assert "db.memory.transaction.max" in (absent.absence or "")
    case = await GraphDeliberations(strict_graph).load(held.deliberation)
    assert {turn.id: turn for turn in case.turns} == {absent.id: absent, taken.id: taken}


async def test_turns_whose_lock_was_not_had_in_time_are_sent_until_it_is(
    strict: Neo4jServer,
    strict_driver: AsyncDriver,
    strict_graph: Graph,
    proxy: BoltProxy,
    held: Held,
) -> None:
    answers = _answers(proxy)
    with capture_logs() as log:
        async with _recorder(strict_graph) as recorder:
            async with a_rival(strict_driver, strict.database, held.deliberation) as rival:
                turns = recordings(held, all_turns(held.deliberation))
                recording = asyncio.create_task(_record(recorder, turns))
                await answers.sprung()
                assert not recording.done()
                await until(lambda: bool(recorder.obstacles(held.deliberation)))
                # What `waitingFor` is made of.
                [waiting_for] = recorder.obstacles(held.deliberation)
                assert "lock" in waiting_for
                await rival.commit()
            recorded = await recording
    assert _held_up(log) == [held.deliberation]
    assert _refused(answers)
    await _are_there_once(strict_graph, held, recorded)


async def test_turns_whose_transaction_an_operator_ended_are_sent_again(
    strict: Neo4jServer,
    strict_driver: AsyncDriver,
    strict_graph: Graph,
    proxy: BoltProxy,
    held: Held,
) -> None:
    answers = _answers(proxy)
    with capture_logs() as log:
        async with _recorder(strict_graph) as recorder:
            async with a_rival(strict_driver, strict.database, held.deliberation) as rival:
                turns = recordings(held, all_turns(held.deliberation))
                recording = asyncio.create_task(_record(recorder, turns))
                await eventually(lambda: _terminate_blocked(strict_driver, strict.database), bool)
                await answers.sprung()
                await until(lambda: bool(_held_up(log)))
                await rival.commit()
            recorded = await recording
    assert _held_up(log) == [held.deliberation]
    assert _refused(answers)
    await _are_there_once(strict_graph, held, recorded)


async def test_the_doctor_names_the_timeout_that_is_endless(strict_graph: Graph) -> None:
    assert await endless_timeouts(strict_graph) == ("db.transaction.timeout",)
