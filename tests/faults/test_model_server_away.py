"""The models' server is killed, restarted, overrun or away for long: seats wait for it, and say so."""

from __future__ import annotations

import asyncio
import re

import pytest

from tests.support.evidence import Evidence
from tests.support.model_behaviour import Behaviour
from tests.support.model_server import ModelServer
from tests.support.scene import Scene
from tests.support.service_process import ServiceProcess
from tests.support.waiting import eventually, until

pytestmark = [pytest.mark.faults, pytest.mark.neo4j, pytest.mark.timeout(240)]

_WAITING_FOR = "query($id: ID!) { deliberation(id: $id) { status waitingFor } }"

_DOWN = re.compile(
    r"endpoint default is down since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ: it cannot be reached: Connection refused"
)


async def waits(service: ServiceProcess, deliberation: str, words: re.Pattern[str]) -> None:
    """Wait until the API says that the deliberation waits for that."""

    async def look() -> str | None:
        return (await service.ask(_WAITING_FOR, id=deliberation))["deliberation"]["waitingFor"]

    await eventually(look, lambda told: told is not None and words.search(told) is not None, 30)


def absences(seen: Evidence) -> list[str | None]:
    """The reasons of every turn that nobody took."""
    return [turn.absence for turn in seen.turns if turn.outcome == "ABSENT"]


async def test_a_server_killed_in_the_middle_is_waited_for_and_no_agent_is_absent(
    scene: Scene,
) -> None:
    scene.model.script(Behaviour(hang_after=2), turn="*-c1-*", attempts=1)
    service = await scene.start()
    await service.ready()
    accepted = await scene.deliberate(service)
    await until(lambda: len(scene.model.of("*-c1-*")) == 3, 30)
    await scene.model.stop()
    await waits(service, accepted, _DOWN)
    asked = len(scene.model.requests)
    # How long it is away is no condition that could be waited for: longer than six attempts last that are made at once.
    await asyncio.sleep(4)
    await scene.model.listen()
    seen = await scene.all_ended(60)
    assert seen.deliberation(accepted).status == "DECIDED"
    assert absences(seen) == []
    assert scene.faults(seen) == []
    assert len(seen.of(accepted)) == 12
    critiques = [turn for turn in seen.turns if turn.kind == "CRITIQUE"]
    # The one that was cut off, at most one that was refused before it was known to be down, and the answer.
    assert all(2 <= turn.attempts <= 3 for turn in critiques)
    # Each call that was cut off was sent once more, and no other twice.
    assert len(scene.model.requests) == asked + 3 + 6
    opened, closed = service.logged("breaker_opened"), service.logged("breaker_closed")
    assert {(line["endpoint"], bool(line["reason"])) for line in opened} == {("default", True)}
    assert {line["endpoint"] for line in closed} == {"default"}
    assert max(line["seconds"] for line in closed) >= 4


async def test_while_a_server_answers_503_it_is_left_alone_and_then_served(scene: Scene) -> None:
    scene.model.behaviour = Behaviour(status=503, latency=0.1)
    service = await scene.start()
    await service.ready()
    accepted = [await scene.deliberate(service) for _ in range(8)]
    await waits(service, accepted[0], re.compile("503 Service Unavailable"))
    await until(lambda: scene.model.in_flight == 0)
    # 24 seats ask; at once, for nobody knew, and then one of them, to see.
    refused, scene.model.most_in_flight = len(scene.model.requests), 0
    assert refused <= 24 + 8
    await until(lambda: len(scene.model.requests) >= refused + 3, 60)
    assert scene.model.most_in_flight == 1
    scene.model.behaviour = Behaviour(latency=0.03)
    seen = await scene.all_ended(90)
    assert {one.status for one in seen.deliberations} == {"DECIDED"}
    assert absences(seen) == []
    assert scene.faults(seen) == []


async def test_a_deadline_strikes_while_the_server_is_waited_for(scene: Scene) -> None:
    await scene.model.stop()
    service = await scene.start()
    await service.ready()
    await until(lambda: bool(service.logged("endpoint_down")))
    accepted = await scene.deliberate(service, deadlineSeconds=6)
    seen = (await scene.all_ended(30)).deliberation(accepted)
    assert (seen.status, seen.stop_reason) == ("FAILED", "DEADLINE")
    assert _DOWN.search(seen.failure or "")
    assert (await service.ask(_WAITING_FOR, id=accepted))["deliberation"]["waitingFor"] is None


async def test_without_a_deadline_the_wait_has_an_end_for_all_turns_together(scene: Scene) -> None:
    await scene.model.stop()
    service = await scene.start(COUNCIL_ENDPOINT_WAIT_SECONDS="3")
    await service.ready()
    accepted = await scene.deliberate(service)
    seen = await scene.all_ended(30)
    ended = seen.deliberation(accepted)
    assert (ended.status, ended.stop_reason) == ("FAILED", "QUORUM_LOST")
    assert absences(seen)
    assert all(_DOWN.search(reason or "") for reason in absences(seen))


async def test_sigterm_does_not_wait_for_calls_that_wait_for_the_server(scene: Scene) -> None:
    await scene.model.stop()
    ended = await scene.start("ended", COUNCIL_DRAIN_SECONDS="300")
    await ended.ready()
    accepted = await scene.deliberate(ended)
    await waits(ended, accepted, _DOWN)
    assert await ended.stop() == 0

    await scene.model.listen()
    other = await scene.start("other")
    await other.ready()
    seen = await scene.all_ended(60)
    assert seen.deliberation(accepted).status == "DECIDED"
    assert absences(seen) == []


async def test_another_process_tells_of_a_deliberation_what_the_graph_knows(scene: Scene) -> None:
    scene.model.script(Behaviour(hang_after=-1))
    # Neither has room for more than one: what one accepts the other does not take.
    # A lease that only the stop outlasts: until the other has something of its own, it would take over what it finds.
    holder = await scene.start("holder", COUNCIL_LEASE_SECONDS="6", COUNCIL_CONCURRENCY="1")
    await holder.ready()
    accepted = await scene.deliberate(holder)
    await until(lambda: len(scene.model.requests) == 3, 30)
    # It takes nothing over, and can only look.
    other = await scene.start("other", COUNCIL_CONCURRENCY="1")
    await other.ready()
    await scene.deliberate(other, "QA")
    await until(lambda: len(scene.model.requests) == 6, 30)
    holder.freeze()
    await waits(other, accepted, re.compile("has not renewed its lease, which ran until"))
    holder.thaw()


_AT_A_LAB = """mutation ($url: String!) {
  registerEndpoint(input: {name: "lab", url: $url}) { errors { message } }
  createRole(input: {name: "LAB"}) { errors { message } }
  createCouncil(input: {role: "LAB", agents: [{model: "special", endpoint: "lab"}, {model: "special", endpoint: "lab"}]}) {
    errors { message }
  }
}"""


async def test_what_waits_for_a_server_that_is_away_takes_no_room_from_what_another_can_answer(
    scene: Scene,
) -> None:
    service = await scene.start(COUNCIL_CONCURRENCY="2")
    await service.ready()
    async with ModelServer(models=("special",), behaviour=Behaviour(latency=0.02)) as lab:
        made = await service.ask(_AT_A_LAB, url=lab.url)
        assert not any(payload["errors"] for payload in made.values())
        await lab.stop()
        down = re.compile("endpoint lab is down since")
        stranded = [await scene.deliberate(service, "LAB") for _ in range(3)]
        for deliberation in stranded:
            await waits(service, deliberation, down)
        other = await scene.deliberate(service, "DEV")
        seen = await eventually(
            scene.look, lambda seen: seen.deliberation(other).status == "DECIDED", 30
        )
        assert {seen.deliberation(one).status for one in stranded} == {"RUNNING"}
        await lab.listen()
        seen = await scene.all_ended(60)
    assert absences(seen) == []
