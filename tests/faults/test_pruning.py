"""`council prune` beside a service that has much to do."""

from __future__ import annotations

import asyncio
import os

import pytest

from orchestrator.graph.doctor import examine
from orchestrator.graph.driver import Graph
from tests.support.ended import make_ended
from tests.support.model_behaviour import Behaviour
from tests.support.neo4j import statement
from tests.support.scene import ROLES, Scene
from tests.support.service_process import COMMAND, ServiceProcess
from tests.support.waiting import eventually

pytestmark = [pytest.mark.faults, pytest.mark.neo4j, pytest.mark.timeout(240)]

_SPEAKING = Behaviour(latency=0.3)
"""Pruning rests most of its time: what is quicker only makes more of the same meanwhile, and the more to look through."""
_OLD = 20
_AT_ONCE = 6
_PRUNINGS = 4
"""At most: one may pass while the process that records is not scheduled."""


async def test_pruning_beside_a_running_service_disturbs_nothing_that_is_under_way(
    scene: Scene, empty_graph: Graph
) -> None:
    scene.model.behaviour = _SPEAKING
    service = await scene.start()
    await service.ready()
    pruned = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_keep_busy(scene, service, pruned))
        await eventually(lambda: _turns(scene), lambda turns: turns > 0)
        during = 0
        for _ in range(_PRUNINGS):
            await _make_old(scene)
            before = await _turns(scene)
            said = await _prune(scene)
            during += await _turns(scene) - before
            assert said.startswith(f"removed {_OLD} deliberations that ended before ")
            if during > 3 * _AT_ONCE:
                break
        pruned.set()
    # More than those that were being taken when it began: it went on beside it.
    assert during > 3 * _AT_ONCE
    seen = await scene.all_ended()
    assert {one.id for one in seen.deliberations} == set(scene.accepted)
    assert scene.faults(seen) == []
    assert max(scene.log.answered().values()) == 1
    assert await examine(empty_graph) == ()


async def _make_old(scene: Scene) -> None:
    [process] = (
        await scene.driver.execute_query(statement("find_process"), database_=scene.database)
    ).records
    await make_ended(scene.driver, scene.database, first=1, last=_OLD, process=process["id"])


async def _keep_busy(scene: Scene, service: ServiceProcess, pruned: asyncio.Event) -> None:
    """Have so many deliberations under way until it has been pruned."""
    while not pruned.is_set():
        under_way = sum(not one.ended for one in (await scene.look()).deliberations)
        for number in range(under_way, _AT_ONCE):
            await scene.deliberate(service, ROLES[number % len(ROLES)])
        await asyncio.sleep(0.1)


async def _turns(scene: Scene) -> int:
    """Count what was recorded of what the service accepted."""
    return sum(turn.deliberation in scene.accepted for turn in (await scene.look()).turns)


async def _prune(scene: Scene) -> str:
    process = await asyncio.create_subprocess_exec(
        COMMAND,
        "prune",
        "--older-than",
        "90d",
        env={**os.environ, **scene.server.environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, warned = await process.communicate()
    assert process.returncode == 0, warned.decode()
    return said.decode()
