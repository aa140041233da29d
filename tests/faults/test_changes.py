"""Who listens to changes at one process is told of what every process does, each step of each deliberation once."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import Counter
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from tests.support.scene import Scene
from tests.support.service_process import ServiceProcess
from tests.support.waiting import until

pytestmark = [pytest.mark.faults, pytest.mark.neo4j, pytest.mark.timeout(240)]

_CHANGES = """subscription ($filter: DeliberationFilter) {
  deliberationChanges(filter: $filter) { previous status deliberation { id } }
}"""
_COUNCILS = "subscription { councilChanges { id name } }"
_COUNCIL = 'query { council(by: { role: "DEV" }) { id } }'
_RENAME = (
    "mutation ($input: UpdateCouncilInput!) { updateCouncil(input: $input) { errors { message } } }"
)
_STEPS = {
    (None, "QUEUED"): 1,
    ("QUEUED", "RUNNING"): 1,
    ("RUNNING", "DECIDED"): 1,
}


async def listen(
    service: ServiceProcess, document: str, told: list[dict[str, Any]], **variables: Any
) -> None:
    """Subscribe, and keep what comes."""
    async with connect(
        f"{service.url}/graphql".replace("http", "ws", 1),
        subprotocols=[Subprotocol("graphql-transport-ws")],
    ) as socket:
        await socket.send('{"type": "connection_init"}')
        await socket.recv()
        payload = {"query": document, "variables": variables}
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        async for message in socket:
            read = json.loads(message)
            assert read["type"] == "next", read
            told.extend(read["payload"]["data"].values())


async def test_each_step_of_each_deliberation_is_told_once_at_each_process_that_is_asked(
    scene: Scene,
) -> None:
    services = [await scene.start(name) for name in ("one", "two")]
    for service in services:
        await service.ready()
    council = (await services[0].ask(_COUNCIL))["council"]["id"]
    told: list[list[dict[str, Any]]] = [[], [], [], []]
    running = {step: 1 for step in _STEPS if "RUNNING" in step}
    wanted = [(told[0], _STEPS), (told[1], _STEPS), (told[2], running)]
    async with asyncio.TaskGroup() as group:
        listening = [
            group.create_task(listen(services[0], _CHANGES, told[0])),
            group.create_task(listen(services[1], _CHANGES, told[1])),
            group.create_task(
                listen(services[1], _CHANGES, told[2], filter={"statuses": ["RUNNING"]})
            ),
            group.create_task(listen(services[1], _COUNCILS, told[3])),
        ]
        # The first change that each is told of says that it listens.
        for number in itertools.count():
            if all(told):
                break
            await scene.deliberate(services[0])
            await _rename(services[0], council, f"name {number}")
            await asyncio.sleep(0.2)
        ids = [await scene.deliberate(services[number % 2]) for number in range(12)]
        await _rename(services[0], council, "renamed")
        await scene.all_ended(60)
        await until(
            lambda: all(_steps(one, id_) >= Counter(of) for one, of in wanted for id_ in ids)
        )
        await until(lambda: {"id": council, "name": "renamed"} in told[3])
        for task in listening:
            task.cancel()

    for one, of in wanted:
        assert {id_: _steps(one, id_) for id_ in ids} == dict.fromkeys(ids, of)


async def _rename(service: ServiceProcess, council: str, name: str) -> None:
    answer = await service.ask(_RENAME, input={"id": council, "name": name})
    assert answer["updateCouncil"]["errors"] == []


def _steps(told: list[dict[str, Any]], deliberation: str) -> Counter[tuple[Any, Any]]:
    return Counter(
        (one["previous"], one["status"])
        for one in told
        if one["deliberation"]["id"] == deliberation
    )
