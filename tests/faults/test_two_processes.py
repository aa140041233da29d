"""Two processes on one graph: what one changes is in the very next acceptance of the other."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from orchestrator.graph.doctor import examine
from orchestrator.graph.driver import Graph
from tests.support.scene import DELIBERATE, ROLES, Scene
from tests.support.service_process import ServiceProcess

pytestmark = [pytest.mark.faults, pytest.mark.neo4j, pytest.mark.timeout(240)]

_COUNCIL = """
query($role: String!) { council(by: { role: $role }) { id version seats { agent { id } } } }
"""
_UPDATE = """
mutation($input: UpdateCouncilInput!) { updateCouncil(input: $input) { council { version } errors { message } } }
"""
_REGISTER = """
mutation($input: RegisterAgentInput!) { registerAgent(input: $input) { agent { id } errors { message } } }
"""
_RETIRE = """
mutation($input: RetireAgentInput!) { retireAgent(input: $input) { agent { id } errors { message } } }
"""
_ACCEPTED = """
query($id: ID!) {
  deliberation(id: $id) {
    rounds councilVersion
    seats { number persona temperature maxTokens agent { id } }
  }
}
"""


async def _change(service: ServiceProcess, document: str, **given: Any) -> dict[str, Any]:
    [payload] = (await service.ask(document, input=given)).values()
    assert payload["errors"] == []
    return payload


async def test_a_change_made_through_one_process_is_in_the_very_next_accept_of_the_other(
    scene: Scene,
) -> None:
    one = await scene.start("one")
    await one.ready()
    two = await scene.start("two")
    await two.ready()
    council = (await one.ask(_COUNCIL, role="DEV"))["council"]
    id_, seats = council["id"], [seat["agent"]["id"] for seat in council["seats"]]
    version = council["version"]
    for number in range(4):
        here, there = (one, two) if number % 2 else (two, one)

        await _change(here, _UPDATE, id=id_, rounds=number)
        version += 1
        accepted = await scene.deliberate(there)
        shown = (await there.ask(_ACCEPTED, id=accepted))["deliberation"]
        assert (shown["rounds"], shown["councilVersion"]) == (number, version)

        persona = f"You were registered in round {number}."
        agent = {"persona": persona, "temperature": 0.25, "maxTokens": 77}
        made = await _change(here, _REGISTER, councilId=id_, agent=agent)
        seats.append(made["agent"]["id"])
        version += 1
        accepted = await scene.deliberate(there)
        shown = (await there.ask(_ACCEPTED, id=accepted))["deliberation"]
        assert shown["councilVersion"] == version
        assert [seat["agent"]["id"] for seat in shown["seats"]] == seats
        assert shown["seats"][-1] == {
            "number": len(seats),
            "persona": persona,
            "temperature": 0.25,
            "maxTokens": 77,
            "agent": {"id": seats[-1]},
        }

        await _change(here, _RETIRE, id=seats.pop(0))
        version += 1
        accepted = await scene.deliberate(there)
        shown = (await there.ask(_ACCEPTED, id=accepted))["deliberation"]
        assert [seat["agent"]["id"] for seat in shown["seats"]] == seats
        assert [seat["number"] for seat in shown["seats"]] == list(range(1, len(seats) + 1))
    seen = await scene.all_ended(60)
    assert {one.status for one in seen.deliberations} == {"DECIDED"}


async def test_two_processes_share_the_work_and_do_none_of_it_twice(
    scene: Scene, empty_graph: Graph
) -> None:
    # Neither has room for all of it, however quick it is.
    one = await scene.start("one", COUNCIL_CONCURRENCY="6")
    await one.ready()
    two = await scene.start("two", COUNCIL_CONCURRENCY="6")
    await two.ready()
    await asyncio.gather(
        *(
            scene.deliberate(service, role)
            for role in ROLES
            for service in (one, two)
            for _ in range(2)
        )
    )
    seen = await scene.all_ended(90)
    assert scene.faults(seen) == []
    assert max(scene.log.answered().values()) == 1
    assert {len(one.claims) for one in seen.deliberations} == {1}
    assert len({claim.process for one in seen.deliberations for claim in one.claims}) == 2
    assert await examine(empty_graph) == ()


async def test_one_key_sent_to_two_processes_at_once_makes_one_deliberation(scene: Scene) -> None:
    one = await scene.start("one")
    await one.ready()
    two = await scene.start("two")
    await two.ready()
    for number in range(5):
        ids = await asyncio.gather(
            *(
                scene.deliberate(service, key=f"key {number}")
                for service in (one, two)
                for _ in range(3)
            )
        )
        assert len(set(ids)) == 1
    order = {"council": {"role": "QA"}, "task": {"description": "Another."}}
    payload = (await two.ask(DELIBERATE, input={**order, "idempotencyKey": "key 0"}))["deliberate"]
    assert [error["__typename"] for error in payload["errors"]] == ["Conflict"]
    seen = await scene.all_ended(60)
    assert scene.faults(seen) == []
    assert len(seen.deliberations) == 5


async def test_a_start_that_is_told_of_another_place_of_the_models_says_so_in_its_log(
    scene: Scene,
) -> None:
    one = await scene.start("one")
    await one.ready()
    # The same server, and another URL.
    elsewhere = scene.model.url.removesuffix("/v1")
    two = await scene.start("two", VLLM_URL=elsewhere)
    await two.ready()

    told = [
        (line["setting"], line["before"], line["after"]) for line in two.logged("default_settled")
    ]
    assert told == [("VLLM_URL", scene.model.url, elsewhere)]
