"""SIGTERM: what is under way is finished, the rest is given back, and the process ends in order."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.support.model_behaviour import Behaviour
from tests.support.scene import Scene
from tests.support.waiting import until

pytestmark = [pytest.mark.faults, pytest.mark.neo4j, pytest.mark.timeout(240)]


async def test_calls_under_way_at_sigterm_are_recorded_and_the_next_process_goes_on_at_once(
    scene: Scene,
) -> None:
    scene.model.script(Behaviour(latency=1.0), turn="*-c1-*")
    ended = await scene.start("ended", COUNCIL_LEASE_SECONDS="300")
    await ended.ready()
    accepted = await scene.deliberate(ended)
    await until(lambda: len(scene.model.of("*-c1-*")) == 3, 30)
    assert await ended.stop() == 0
    seen = await scene.look()
    # The critiques were waited for, and nothing was begun after them.
    assert Counter(turn.kind for turn in seen.turns) == {"PROPOSAL": 3, "CRITIQUE": 3}
    assert scene.model.of("*-r1-*") == []

    # Another home: no lock file proves anything here, and the lease would run for minutes.
    other = await scene.start("other", COUNCIL_LEASE_SECONDS="300")
    await other.ready()
    seen = await scene.all_ended(60)
    assert scene.faults(seen) == []
    assert seen.deliberation(accepted).resumptions == 1
    assert set(Counter(scene.log.begun()).values()) == {1}


async def test_a_call_that_outlasts_the_grace_is_closed_and_made_again_by_the_next_process(
    scene: Scene,
) -> None:
    scene.model.script(Behaviour(hang_after=-1), turn="*-c1-s1-*", attempts=1)
    ended = await scene.start("ended", COUNCIL_LEASE_SECONDS="300", COUNCIL_DRAIN_SECONDS="0.5")
    await ended.ready()
    accepted = await scene.deliberate(ended)
    await until(lambda: bool(scene.model.of("*-c1-s1-*")), 30)
    assert await ended.stop() == 0
    [hung] = scene.model.of("*-c1-s1-*")
    await until(lambda: hung.outcome is not None)
    assert hung.outcome == "cut by client"

    other = await scene.start("other", COUNCIL_LEASE_SECONDS="300")
    await other.ready()
    seen = await scene.all_ended(60)
    assert scene.faults(seen) == []
    assert seen.deliberation(accepted).resumptions == 1
    again = {turn: times for turn, times in Counter(scene.log.begun()).items() if times > 1}
    assert again == {hung.id: 2}
