"""When it is that what a dead process held is taken over: told by the order of events, not by a clock of the test's."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.client import CouncilClient, models
from orchestrator.graph import statements
from tests.support.bolt_proxy import BoltProxy, Side, Tag
from tests.support.model_behaviour import Behaviour
from tests.support.neo4j import statement
from tests.support.scene import Scene
from tests.support.service_process import ServiceProcess
from tests.support.waiting import eventually, until

pytestmark = [pytest.mark.faults, pytest.mark.neo4j, pytest.mark.timeout(240)]

_CLAIM = statements.statement("claim/claim")


async def test_on_the_same_host_it_is_taken_over_with_the_first_claim_of_the_next_process(
    scene: Scene,
) -> None:
    service = await scene.start(COUNCIL_LEASE_SECONDS="300")
    accepted = await _under_way(scene, service)
    await scene.crash(service, "under way")
    # Whatever it asks for after its first claim, the graph never hears of.
    first = scene.proxy.trap(Side.REQUEST, Tag.RUN, _CLAIM, hold=False)
    scene.proxy.trap(Side.REQUEST, Tag.RUN, _CLAIM, skip=1, times=1000)
    await service.start()
    await first.sprung()
    seen = await scene.all_ended()
    assert scene.faults(seen) == []
    # The lease of the dead one ran all the while.
    assert [claim["after"] for claim in await _claims(scene, accepted)] == [None, False]
    async with CouncilClient(service.url) as client:
        told = [event async for event in client.events(accepted)]
    claimed = [event.resumed for event in told if isinstance(event, models.DeliberationClaimed)]
    assert claimed == [False, True]


async def test_elsewhere_it_is_taken_over_at_the_first_look_after_its_lease_and_at_none_before(
    scene: Scene,
) -> None:
    one = await scene.start("one", COUNCIL_LEASE_SECONDS="300")
    accepted = await _under_way(scene, one)
    async with BoltProxy(scene.server.uri) as proxy:
        # It has a folder of its own for locks, as on another host.
        other = await scene.start("other", proxy=proxy, COUNCIL_LEASE_SECONDS="300")
        await other.ready()
        await scene.crash(one, "under way")
        look = proxy.trap(Side.REQUEST, Tag.RUN, _CLAIM)
        [dead] = [claim["process"] for claim in await _claims(scene, accepted)]
        for claims in (1, 2):
            await look.sprung()
            if claims == 2:
                await scene.driver.execute_query(
                    statement("graph/expire_lease"), process=dead, database_=scene.database
                )
            answered = proxy.trap(Side.ANSWER, Tag.PULL, _CLAIM, hold=False)
            let_go, look = look, proxy.trap(Side.REQUEST, Tag.RUN, _CLAIM)
            let_go.release()
            await answered.sprung()
            assert len(await _claims(scene, accepted)) == claims
        proxy.clear()
        assert [claim["after"] for claim in await _claims(scene, accepted)] == [None, True]
        assert scene.faults(await scene.all_ended()) == []


async def _under_way(scene: Scene, service: ServiceProcess) -> str:
    """Have three proposals recorded and three critiques asked for, none of which is ever answered."""
    await service.ready()
    scene.model.script(Behaviour(hang_after=-1), turn="*-c1-*", attempts=1)
    accepted = await scene.deliberate(service)
    await eventually(scene.look, lambda seen: len(seen.of(accepted)) == 3)
    # Or the next process would be the first to ask for them.
    await until(lambda: len([one for one in scene.model.of("*-c1-*") if one.outcome is None]) == 3)
    return accepted


async def _claims(scene: Scene, deliberation: str) -> list[dict[str, Any]]:
    found = await scene.driver.execute_query(
        statement("list_claims"), id=deliberation, database_=scene.database
    )
    return [record.data() for record in found.records]
