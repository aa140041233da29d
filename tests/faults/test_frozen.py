"""A process that is stopped and goes on later: it was overtaken, and must not harm what was done meanwhile."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from orchestrator.graph.statements import statement
from tests.support.bolt_proxy import BoltProxy, Side, Tag
from tests.support.evidence import Crash
from tests.support.model_behaviour import Behaviour
from tests.support.neo4j import statement as of_tests
from tests.support.scene import Scene
from tests.support.waiting import eventually, until

pytestmark = [pytest.mark.faults, pytest.mark.neo4j, pytest.mark.timeout(300)]


async def whole_graph(scene: Scene) -> list[dict[str, Any]]:
    """All that is in the graph but the leases of the living, which are renewed; `lock` only takes locks and says nothing."""
    found = await scene.driver.execute_query(
        of_tests("graph/read_whole_graph"), database_=scene.database
    )
    rows = [record.data() for record in found.records]
    for row in rows:
        for name in ("lock", "leaseUntil"):
            row["properties"].pop(name, None)
    return rows


@pytest.mark.parametrize(
    ("side", "tag"),
    [
        pytest.param(Side.REQUEST, Tag.RUN, id="turns in its recorder"),
        pytest.param(Side.REQUEST, Tag.PULL, id="a transaction of it open"),
    ],
)
async def test_a_process_that_was_stopped_and_overtaken_changes_nothing_when_it_goes_on(
    scene: Scene, side: Side, tag: Tag
) -> None:
    # When it is stopped, one of its critiques is being recorded and another one is under way.
    trapped = asyncio.Event()
    scene.model.script(Behaviour(until=trapped, latency=3.0), turn="*-c1-s3-*", attempts=1)
    scene.model.script(Behaviour(until=trapped), turn="*-c1-*", attempts=1)
    frozen = await scene.start("frozen", hasty=True, COUNCIL_LEASE_SECONDS="3")
    await frozen.ready()
    accepted = await scene.deliberate(frozen)
    await eventually(scene.look, lambda seen: len(seen.turns) == 3)
    trap = scene.proxy.trap(side, tag, statement("turn/record"))
    trapped.set()
    await trap.sprung()
    frozen.freeze()
    recorded = (await scene.look()).turns
    assert len(recorded) == 3
    scene.crashes.append(
        Crash(
            point="the stop",
            recorded=frozenset(turn.id for turn in recorded),
            place=scene.log.place(),
        )
    )

    async with BoltProxy(scene.server.uri) as proxy:
        other = await scene.start("other", proxy=proxy)
        await other.ready()
        seen = await scene.all_ended(60)
        assert scene.faults(seen) == []
        assert len(seen.deliberation(accepted).claims) == 2
        place = scene.log.place()
        before = await whole_graph(scene)

        frozen.thaw()
        trap.release()
        await until(lambda: bool(frozen.logged("claim_fenced") or frozen.logged("claim_lost")), 30)
        await frozen.ready()
        # It claims again, once a tick; what has ended is none of its business.
        ticks = scene.proxy.trap(
            Side.ANSWER, Tag.PULL, statement("claim/claim"), times=2, hold=False
        )
        await ticks.sprung(2)
        assert await whole_graph(scene) == before
        assert scene.log.begun(since=place) == []

        await other.stop()
        await scene.deliberate(frozen)
        again = await eventually(scene.look, lambda seen: all(d.ended for d in seen.deliberations))
        assert scene.faults(again) == []


async def test_a_process_that_was_stopped_before_a_call_was_sent_and_overtaken_does_not_send_it(
    scene: Scene,
) -> None:
    frozen = await scene.start("frozen", stop_before="*-b1-s2", COUNCIL_LEASE_SECONDS="3")
    await frozen.ready()
    accepted = await scene.deliberate(frozen)
    await until(lambda: frozen.frozen)

    async with BoltProxy(scene.server.uri) as proxy:
        other = await scene.start("other", proxy=proxy)
        await other.ready()
        seen = await scene.all_ended(60)
        assert len(seen.deliberation(accepted).claims) == 2
        place = scene.log.place()

        frozen.thaw()
        await until(lambda: bool(frozen.logged("claim_lost")), 30)
        await frozen.ready()
        assert scene.log.begun(since=place) == []
        assert scene.faults(await scene.look()) == []


async def test_a_renewal_whose_answer_comes_after_the_lease_has_run_out_lets_nothing_be_asked(
    scene: Scene,
) -> None:
    answers = asyncio.Event()
    scene.model.script(Behaviour(until=answers), turn="*-p0-*", attempts=1)
    late = await scene.start("late", COUNCIL_LEASE_SECONDS="3")
    await late.ready()
    accepted = await scene.deliberate(late)
    await until(lambda: len(scene.model.of("*-p0-*")) == 3)
    renewal = scene.proxy.trap(Side.ANSWER, Tag.PULL, statement("claim/renew"))
    await late.becomes(503)
    answers.set()
    # Recorded, for nobody has overtaken it yet; its critiques wait for the lease.
    await eventually(scene.look, lambda seen: len(seen.of(accepted)) == 3)
    async with BoltProxy(scene.server.uri) as proxy:
        other = await scene.start("other", proxy=proxy)
        await other.ready()
        seen = await scene.all_ended(60)
        assert scene.faults(seen) == []
        place = scene.log.place()
        renewal.release()
        await until(lambda: bool(late.logged("claim_lost")), 30)
        await late.ready()
        assert scene.log.begun(since=place) == []
