"""Who follows a deliberation is told of each of its events once, in whichever process it happens."""

from __future__ import annotations

import asyncio

import pytest

from orchestrator.client import CouncilClient, models
from tests.support.model_behaviour import Behaviour
from tests.support.scene import Scene
from tests.support.service_process import ServiceProcess
from tests.support.waiting import until

pytestmark = [pytest.mark.faults, pytest.mark.neo4j, pytest.mark.timeout(240)]


async def test_who_follows_across_a_kill_and_a_restart_is_told_of_each_event_once_and_in_order(
    scene: Scene,
) -> None:
    scene.model.script(Behaviour(hang_after=-1), turn="*-c1-*", attempts=1)
    service = await scene.start(COUNCIL_LEASE_SECONDS="300")
    await service.ready()
    accepted = await scene.deliberate(service)
    told: list[int] = []
    lost: list[str] = []
    following = asyncio.create_task(follow(service, accepted, told, lost))
    # The claim and three proposals, and the critiques are asked for.
    await until(lambda: len(told) == 4 and len(scene.model.of("*-c1-*")) == 3)
    await scene.crash(service, "the critiques")
    await until(lambda: bool(lost))
    await service.start()
    await service.ready()
    seen = await scene.all_ended(60)
    await following

    assert scene.faults(seen) == []
    recorded = list(range(1, seen.deliberation(accepted).sequence + 1))
    assert told == recorded
    # Whoever comes later, and knows as much as was told before the kill, is told of the rest.
    again: list[int] = []
    await follow(service, accepted, again, lost, after=4)
    assert again == recorded[4:]


async def follow(
    service: ServiceProcess,
    deliberation: str,
    told: list[int],
    lost: list[str],
    *,
    after: int | None = None,
) -> None:
    """Keep the sequences of what was recorded, as they are told, and why connections were lost."""
    async with CouncilClient(service.url) as client:
        async for event in client.events(deliberation, after=after, on_lost=lost.append):
            if not isinstance(event, models.TurnBegan | models.TokensSpoken):
                told.append(event.sequence)  # noqa: PERF401 - others look at it meanwhile
