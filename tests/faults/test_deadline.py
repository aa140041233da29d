"""A deadline that passes while nobody runs strikes at the next claim, and no model is asked for anything any more."""

from __future__ import annotations

import pytest

from tests.support.model_behaviour import Behaviour
from tests.support.neo4j import statement
from tests.support.scene import Scene
from tests.support.waiting import eventually, until

pytestmark = [pytest.mark.faults, pytest.mark.neo4j, pytest.mark.timeout(240)]

_DEADLINE_SECONDS = 600
"""It does not pass by itself."""


async def test_what_was_due_while_nobody_ran_is_ended_by_the_next_process_without_a_call(
    scene: Scene,
) -> None:
    service = await scene.start(COUNCIL_LEASE_SECONDS="300")
    await service.ready()
    # One has all but two ballots when its process is killed, the other has nothing.
    scene.model.script(Behaviour(hang_after=-1), turn="*-b1-s2")
    scene.model.script(Behaviour(hang_after=-1), turn="*-b1-s3")
    voting = await scene.deliberate(service, "DEV", deadlineSeconds=_DEADLINE_SECONDS)
    await eventually(scene.look, lambda seen: len(seen.of(voting)) == 10)
    scene.model.script(Behaviour(hang_after=-1))
    proposing = await scene.deliberate(service, "QA", deadlineSeconds=_DEADLINE_SECONDS)
    await until(lambda: len(scene.model.of(f"trn_{proposing.removeprefix('dlb_')}-p0-*")) == 3)
    crash = await scene.crash(service, "under way")
    assert crash.under_way == 1
    assert {one.status for one in (await scene.look()).deliberations} == {"RUNNING"}
    scene.model.rules.clear()
    await scene.driver.execute_query(statement("pass_deadlines"), database_=scene.database)

    await service.start()
    seen = await scene.all_ended()
    ends = {one.id: (one.status, one.stop_reason) for one in seen.deliberations}
    assert ends == {voting: ("DECIDED", "DEADLINE"), proposing: ("FAILED", "DEADLINE")}
    assert [(one.resumptions, one.holder) for one in seen.deliberations] == [(1, None), (1, None)]
    assert scene.log.begun(since=crash.place) == []
    assert {turn.id for turn in seen.turns} == crash.recorded


async def test_what_waits_for_room_is_ended_at_its_deadline_while_there_is_none(
    scene: Scene,
) -> None:
    scene.model.script(Behaviour(hang_after=-1))
    service = await scene.start(COUNCIL_CONCURRENCY="1")
    await service.ready()
    hanging = await scene.deliberate(service, "DEV")
    await until(lambda: len(scene.model.requests) == 3)
    waiting = await scene.deliberate(service, "QA", deadlineSeconds=1)
    seen = await eventually(
        scene.look, lambda seen: any(one.stop_reason for one in seen.deliberations)
    )
    ends = {one.id: (one.status, one.stop_reason) for one in seen.deliberations}
    assert ends == {hanging: ("RUNNING", None), waiting: ("FAILED", "DEADLINE")}
    assert len(scene.model.requests) == 3
    scene.accepted.remove(hanging)
