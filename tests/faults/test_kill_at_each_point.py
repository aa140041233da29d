"""SIGKILL at each point at which something is known on one side only.

One process follows the other in the same home. The lease is longer than the test may wait, so each
takes over because its predecessor is proven dead, and not because time has passed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest

from orchestrator.graph.statements import statement
from tests.support.bolt_proxy import Side, Tag
from tests.support.model_behaviour import Behaviour
from tests.support.scene import Scene
from tests.support.service_process import ServiceProcess
from tests.support.waiting import until

pytestmark = [pytest.mark.faults, pytest.mark.neo4j, pytest.mark.timeout(600)]

_LEASE_SECONDS = "300"
_TAKEN_OVER_SECONDS = 60.0

After = Callable[[], Awaitable[None]]
"""What remains to be done once the next process is ready."""
Point = Callable[[Scene, ServiceProcess], Awaitable[After | None]]


async def _call_sent(scene: Scene, service: ServiceProcess) -> None:
    scene.model.script(Behaviour(hang_after=-1), turn="*-c1-s1-*", attempts=1)
    accepted = await scene.deliberate(service)
    await until(lambda: bool(_calls(scene, accepted, "-c1-s1-")))


async def _mid_stream(scene: Scene, service: ServiceProcess) -> None:
    scene.model.script(Behaviour(hang_after=3), turn="*-r1-s2*", attempts=1)
    accepted = await scene.deliberate(service)
    await until(lambda: any(call > 2 for call in _calls(scene, accepted, "-r1-s2")))


async def _answered_but_not_recorded(scene: Scene, service: ServiceProcess) -> None:
    trap = scene.proxy.trap(Side.REQUEST, Tag.RUN, statement("turn/record"), skip=2)
    await scene.deliberate(service)
    await trap.sprung()


async def _sent_but_not_committed(scene: Scene, service: ServiceProcess) -> None:
    trap = scene.proxy.trap(Side.REQUEST, Tag.PULL, statement("turn/record"), skip=1)
    await scene.deliberate(service)
    await trap.sprung()


async def _commit_asked_for_but_unanswered(scene: Scene, service: ServiceProcess) -> None:
    trap = scene.proxy.trap(Side.ANSWER, Tag.PULL, statement("turn/record"), skip=1)
    await scene.deliberate(service)
    assert (await trap.sprung()).outcome is Tag.SUCCESS


async def _accept_committed_but_unanswered(scene: Scene, service: ServiceProcess) -> After:
    scene.proxy.trap(Side.REQUEST, Tag.RUN, statement("claim/claim"), times=1000)
    trap = scene.proxy.trap(Side.ANSWER, Tag.PULL, statement("deliberation/accept"))
    asking = asyncio.create_task(scene.deliberate(service, key="unanswered"))
    assert (await trap.sprung()).outcome is Tag.SUCCESS

    async def ask_again() -> None:
        with pytest.raises(httpx.TransportError):
            await asking
        # Nobody knew whether it was accepted; who asks again with the same key is told of the same one.
        again = await scene.deliberate(service, key="unanswered")
        seen = await scene.look()
        assert [one.id for one in seen.deliberations if one.key is not None] == [again]

    return ask_again


async def _accepted_but_nothing_dispatched(scene: Scene, service: ServiceProcess) -> None:
    claims = scene.proxy.trap(Side.REQUEST, Tag.RUN, statement("claim/claim"), times=1000)
    # The one under way when the trap was set is over.
    await claims.sprung()
    accepted = await scene.deliberate(service)
    assert _calls(scene, accepted, "") == []


async def _claim_committed_but_unanswered(scene: Scene, service: ServiceProcess) -> None:
    tick = scene.proxy.trap(Side.REQUEST, Tag.RUN, statement("claim/claim"))
    await tick.sprung()
    accepted = await scene.deliberate(service)
    claim = scene.proxy.trap(Side.ANSWER, Tag.PULL, statement("claim/claim"))
    tick.release()
    assert (await claim.sprung()).outcome is Tag.SUCCESS
    assert len((await scene.look()).deliberation(accepted).claims) == 1
    assert _calls(scene, accepted, "") == []


async def _before_the_verdict(scene: Scene, service: ServiceProcess) -> None:
    accepted, last = await scene.all_but_one_ballot(service)
    trap = scene.proxy.trap(Side.REQUEST, Tag.RUN, statement("turn/record"))
    last.set()
    await trap.sprung()
    assert len((await scene.look()).of(accepted)) == 11


async def _all_turns_committed_but_no_verdict(scene: Scene, service: ServiceProcess) -> None:
    # The verdict goes with the last turn, but for one that counts a ballot which the graph refuses: that is sent with the
    # verdict, without it, and as an absence, and what the turns now come to is sent alone.
    accepted, last = await scene.all_but_one_ballot(service, length=20_000)
    trap = scene.proxy.trap(Side.REQUEST, Tag.RUN, statement("turn/record"), skip=3)
    last.set()
    await trap.sprung()
    seen = await scene.look()
    [refused] = [turn for turn in seen.of(accepted) if turn.outcome == "ABSENT"]
    scene.absent.add(refused.id)
    assert len(seen.of(accepted)) == 12
    assert seen.deliberation(accepted).status == "RUNNING"


async def _verdict_committed_but_unanswered(scene: Scene, service: ServiceProcess) -> None:
    accepted, last = await scene.all_but_one_ballot(service)
    trap = scene.proxy.trap(Side.ANSWER, Tag.PULL, statement("turn/record"))
    last.set()
    assert (await trap.sprung()).outcome is Tag.SUCCESS
    assert (await scene.look()).deliberation(accepted).status == "DECIDED"


def _calls(scene: Scene, deliberation: str, part: str) -> list[int]:
    """Return how many pieces of each call with this in its id have been sent."""
    return [
        call.sent for call in scene.model.of(f"trn_{deliberation.removeprefix('dlb_')}*{part}*")
    ]


POINTS = {
    "accept committed but unanswered": _accept_committed_but_unanswered,
    "accepted but nothing dispatched yet": _accepted_but_nothing_dispatched,
    "claim committed but unanswered": _claim_committed_but_unanswered,
    "call sent": _call_sent,
    "mid-stream": _mid_stream,
    "call answered but not recorded": _answered_but_not_recorded,
    "turns sent but commit not asked for": _sent_but_not_committed,
    "commit asked for but unanswered": _commit_asked_for_but_unanswered,
    "before the verdict": _before_the_verdict,
    "all turns committed, but no verdict": _all_turns_committed_but_no_verdict,
    "verdict committed but unanswered": _verdict_committed_but_unanswered,
}


_PROMISED = {
    "call sent",
    "call answered but not recorded",
    "commit asked for but unanswered",
    "accepted but nothing dispatched yet",
    "mid-stream",
    "before the verdict",
    "all turns committed, but no verdict",
}
"""Points that are promised; the others are more of their kind."""


@pytest.mark.usefixtures("indexed_contents")
async def test_after_a_kill_at_any_point_all_that_was_accepted_is_decided_and_nothing_done_twice(
    scene: Scene,
) -> None:
    service = await scene.start(COUNCIL_LEASE_SECONDS=_LEASE_SECONDS)
    await service.ready()
    hit: set[str] = set()
    for name, reach in POINTS.items():
        after = await reach(scene, service)
        crash = await scene.crash(service, name)
        print(f"killed at: {name}, with {len(crash.recorded)} turns recorded")  # noqa: T201
        scene.model.rules.clear()
        await service.start()
        await service.ready()
        if after is not None:
            await after()
        seen = await scene.all_ended(_TAKEN_OVER_SECONDS)
        assert scene.faults(seen) == [], name
        hit.add(name)
    assert hit >= _PROMISED
