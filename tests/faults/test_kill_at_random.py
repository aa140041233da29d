"""SIGKILL at random moments, twenty times, while several deliberations go on.

A moment is a number of messages between the service and Neo4j, so that a slow machine meets the same ones.
"""

from __future__ import annotations

import asyncio
import os
import random
from dataclasses import dataclass, field

import httpx
import pytest

from orchestrator.graph.doctor import examine
from orchestrator.graph.driver import Graph
from tests.support.model_behaviour import Behaviour
from tests.support.scene import ROLES, Scene
from tests.support.service_process import AnsweredError, ServiceProcess
from tests.support.waiting import until

pytestmark = [pytest.mark.faults, pytest.mark.neo4j, pytest.mark.timeout(900)]

_KILLS = 20
_AT_ONCE = 4
_SEED = "COUNCIL_FAULT_SEED"


@dataclass(slots=True)
class _Caller:
    """Keeps deliberations coming, and asks again with the same key where no answer came."""

    scene: Scene
    made: int = 0
    unanswered: list[int] = field(default_factory=list)

    async def order(self, service: ServiceProcess, count: int) -> None:
        """Send what has no answer yet and so many new ones, all at once."""
        fresh = range(self.made, self.made + count)
        self.made += count
        waiting, self.unanswered = [*self.unanswered, *fresh], []
        async with asyncio.TaskGroup() as tasks:
            for number in waiting:
                tasks.create_task(self._send(service, number))

    async def _send(self, service: ServiceProcess, number: int) -> None:
        role = ROLES[number % len(ROLES)]
        try:
            await self.scene.deliberate(service, role, key=f"order {number}")
        except httpx.TransportError:
            self.unanswered.append(number)
        except AnsweredError as error:
            if error.codes != ["UNAVAILABLE"]:
                raise
            self.unanswered.append(number)


async def test_after_twenty_kills_at_random_moments_all_that_was_accepted_is_decided_once(
    scene: Scene, empty_graph: Graph
) -> None:
    seed = int(os.environ.get(_SEED, "20261123"))
    print(f"{_SEED}={seed}")  # noqa: T201
    chance = random.Random(seed)  # noqa: S311 - no secret
    scene.model.behaviour = Behaviour(latency=0.02, pace=0.004)
    caller = _Caller(scene)
    service = await scene.start(COUNCIL_LEASE_SECONDS="300")
    for number in range(_KILLS):
        if number and chance.random() < 0.25:
            # While it starts: it may have reached the graph, claimed, or nothing yet.
            await _pass(scene, chance.randint(1, 80))
        else:
            await service.ready()
            unended = [one for one in (await scene.look()).deliberations if not one.ended]
            room = max(0, _AT_ONCE - len(unended) - len(caller.unanswered))
            ordering = asyncio.create_task(caller.order(service, room))
            await _pass(scene, chance.randint(1, 120))
            await service.kill()
            await ordering
        crash = await scene.crash(service, f"kill {number + 1}")
        print(  # noqa: T201
            f"{crash.point}: {len(crash.recorded)} turns recorded, {crash.under_way} under way"
        )
        await service.start()
    await service.ready()
    await caller.order(service, 0)
    assert caller.unanswered == []
    seen = await scene.all_ended(90)
    assert scene.faults(seen) == []
    assert len(set(scene.accepted)) == caller.made == len(seen.deliberations)
    assert await examine(empty_graph) == ()
    # It was not killed at its rest.
    assert sum(1 for crash in scene.crashes if crash.under_way) >= 3


async def _pass(scene: Scene, messages: int) -> None:
    """Wait until so many more messages have come to the proxy."""
    enough = scene.proxy.messages + messages
    await until(lambda: scene.proxy.messages >= enough, 60)
