"""A cancel: recorded at once, and no call goes on for long, in whichever process runs it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from orchestrator.client import CouncilClient, models
from orchestrator.graph.doctor import examine
from orchestrator.graph.driver import Graph
from orchestrator.graph.statements import statement
from tests.support.bolt_proxy import BoltProxy, Side, Tag
from tests.support.evidence import Evidence
from tests.support.model_behaviour import Behaviour, Request
from tests.support.scene import Scene
from tests.support.service_process import ServiceProcess
from tests.support.waiting import until

pytestmark = [pytest.mark.faults, pytest.mark.neo4j, pytest.mark.timeout(240)]

CANCEL = """
mutation Cancel($input: CancelDeliberationInput!) {
  cancelDeliberation(input: $input) {
    deliberation { status }
    errors { __typename path ... on Conflict { existing { id } } }
  }
}
"""

SPEAKING = Behaviour(pieces=10_000, length=20_000, pace=0.2)
"""The 512 tokens of an agent take so long that no end of theirs would be waited for."""


@pytest.fixture
async def own_proxy(scene: Scene) -> AsyncGenerator[BoltProxy]:
    """A way to Neo4j that only one process goes."""
    async with BoltProxy(scene.server.uri) as proxy:
        yield proxy


async def cancel(service: ServiceProcess, deliberation: str) -> None:
    payload = (await service.ask(CANCEL, input={"id": deliberation}))["cancelDeliberation"]
    assert payload == {"deliberation": {"status": "CANCELLED"}, "errors": []}


async def all_critiques_begun(scene: Scene) -> list[Request]:
    await until(lambda: len(scene.model.of("*-c1-*")) == 3, 30)
    return scene.model.of("*-c1-*")


async def all_closed(scene: Scene, calls: list[Request]) -> None:
    """Wait until none of these calls is in flight: they would go on for minutes."""
    await until(lambda: scene.model.in_flight == 0)
    assert {call.outcome for call in calls} == {"cut by client"}


async def none_in_flight_now(scene: Scene) -> None:
    """Hold that none is: what was closed before an answer came is there to be read, and is, once the loop has gone round."""
    for _ in range(5):
        await asyncio.sleep(0)
    assert scene.model.in_flight == 0


def one_renewal(proxy: BoltProxy) -> None:
    """Let one renewal of the lease be asked for, and hold the next."""
    proxy.trap(Side.REQUEST, Tag.RUN, statement("claim/renew"), skip=1)


def assert_kept(seen: Evidence, deliberation: str) -> None:
    """What was recorded before the cancel is there, and nothing after it."""
    found = seen.deliberation(deliberation)
    assert (found.status, found.stop_reason, found.verdicts) == ("CANCELLED", "CANCELLED", 0)
    assert [turn.kind for turn in seen.of(deliberation)] == ["PROPOSAL"] * 3
    assert found.sequence == len(found.claims) + 4


async def test_the_process_that_runs_it_closes_its_calls_unasked_by_the_graph_and_never_makes_them_again(
    scene: Scene, empty_graph: Graph
) -> None:
    scene.model.script(SPEAKING, turn="*-c1-*")
    service = await scene.start()
    await service.ready()
    accepted = await scene.deliberate(service)
    calls = await all_critiques_begun(scene)
    # No renewal is answered: what it holds it hears of at none.
    renewals = scene.proxy.trap(Side.ANSWER, Tag.PULL, statement("claim/renew"))
    await renewals.sprung()
    await cancel(service, accepted)
    await none_in_flight_now(scene)
    await all_closed(scene, calls)
    assert renewals.holding == 1
    renewals.release()
    seen = await scene.look()
    assert_kept(seen, accepted)

    await cancel(service, accepted)
    await service.kill()
    await service.start()
    await service.ready()
    # It claims once a tick; what was cancelled is none of its business.
    ticks = scene.proxy.trap(Side.ANSWER, Tag.PULL, statement("claim/claim"), times=2, hold=False)
    await ticks.sprung(2)
    assert await scene.look() == seen
    assert len(scene.log.begun()) == 6
    assert await examine(empty_graph) == ()


async def test_another_process_closes_them_at_its_next_renewal_and_who_follows_hears_of_the_end(
    scene: Scene, own_proxy: BoltProxy
) -> None:
    scene.model.script(SPEAKING, turn="*-c1-*")
    running = await scene.start("running", proxy=own_proxy)
    await running.ready()
    accepted = await scene.deliberate(running)
    calls = await all_critiques_begun(scene)
    other = await scene.start("other")
    await other.ready()

    async def follow(service: ServiceProcess) -> list[models.Event]:
        async with CouncilClient(service.url) as client:
            return [event async for event in client.events(accepted)]

    following = [asyncio.create_task(follow(service)) for service in (running, other)]
    await cancel(other, accepted)
    one_renewal(own_proxy)
    await all_closed(scene, calls)
    own_proxy.clear()
    async with asyncio.timeout(20):
        for events in await asyncio.gather(*following):
            assert isinstance(events[-1], models.DeliberationEnded)
            assert events[-1].deliberation.status == "CANCELLED"
    assert_kept(await scene.look(), accepted)
    assert running.logged("claim_lost")


async def test_a_renewal_that_was_under_way_makes_the_cancel_wait_for_no_more_than_the_next(
    scene: Scene, own_proxy: BoltProxy
) -> None:
    scene.model.script(SPEAKING, turn="*-c1-*")
    running = await scene.start("running", proxy=own_proxy)
    await running.ready()
    accepted = await scene.deliberate(running)
    calls = await all_critiques_begun(scene)
    other = await scene.start("other")
    await other.ready()
    # The graph has told what is held, and the answer is on its way.
    trap = own_proxy.trap(Side.ANSWER, Tag.PULL, statement("claim/renew"))
    await trap.sprung()
    await cancel(other, accepted)
    one_renewal(own_proxy)
    trap.release()
    await all_closed(scene, calls)
    assert_kept(await scene.look(), accepted)


async def test_what_a_dead_process_held_is_cancelled_for_good(scene: Scene) -> None:
    scene.model.script(SPEAKING, turn="*-c1-*")
    dead = await scene.start("dead", COUNCIL_LEASE_SECONDS="300")
    await dead.ready()
    accepted = await scene.deliberate(dead)
    await all_critiques_begun(scene)
    await scene.crash(dead, "the critiques")
    other = await scene.start("other")
    await other.ready()
    await asyncio.gather(*(cancel(other, accepted) for _ in range(3)))
    await dead.start()
    await dead.ready()
    seen = await scene.look()
    assert_kept(seen, accepted)
    assert len(seen.deliberation(accepted).claims) == 1
    assert len(scene.log.begun()) == 6
