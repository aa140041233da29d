"""A Neo4j that is far away: whatever is said to it, and whatever it says, comes late."""

from __future__ import annotations

import asyncio

import pytest

from orchestrator.graph.statements import statement
from tests.support.bolt_proxy import BoltProxy, Side, Tag
from tests.support.model_behaviour import Behaviour
from tests.support.scene import ROLES, Scene
from tests.support.service_process import ServiceProcess
from tests.support.waiting import eventually

pytestmark = [pytest.mark.faults, pytest.mark.neo4j, pytest.mark.timeout(240)]

_DELAY = 0.15
"""Of each message either way: a statement takes some 0.6 s."""

_LEASE = "8"
"""Seconds: renewals have their answers meanwhile, and four calls with what records them, one after the other, take longer."""

_CALL = 1.5
"""Seconds a call."""

_SHOW = "query($id: ID!) { deliberation(id: $id) { status } }"


async def test_where_each_message_to_neo4j_is_late_all_is_decided_once_and_under_its_first_claim(
    scene: Scene,
) -> None:
    scene.model.script(Behaviour(latency=_CALL), turn="*")
    async with BoltProxy(scene.server.uri) as proxy:
        slow = await scene.start("slow", COUNCIL_LEASE_SECONDS=_LEASE)
        # With a home of its own, as on another host, and quick: it takes up whatever a lease runs out on.
        other = await scene.start("other", proxy=proxy, COUNCIL_LEASE_SECONDS=_LEASE)
        await asyncio.gather(slow.ready(), other.ready())
        claiming = proxy.trap(Side.REQUEST, Tag.RUN, statement("claim/claim"))
        await claiming.sprung()
        scene.proxy.delay = _DELAY
        accepted = await asyncio.gather(*(scene.deliberate(slow, role) for role in ROLES[:3]))
        await eventually(scene.look, lambda seen: all(one.claims for one in seen.deliberations))
        claiming.release()
        shown = await asyncio.gather(*(_end_shown(slow, id_) for id_ in accepted))
        seen = await scene.all_ended()
        assert scene.faults(seen) == []
        assert [len(one.claims) for one in seen.deliberations] == [1, 1, 1]
        assert len(scene.log.begun()) == len(seen.turns)
        assert shown == ["DECIDED"] * 3
        for event in ("claim_lost", "claim_fenced", "graph_away"):
            assert slow.logged(event) == []


async def _end_shown(service: ServiceProcess, deliberation: str) -> str:
    """Look at it again and again, whatever goes on meanwhile; return what it came to."""

    async def look() -> str:
        return (await service.ask(_SHOW, id=deliberation))["deliberation"]["status"]

    return await eventually(look, lambda status: status not in {"QUEUED", "RUNNING"}, 60)
