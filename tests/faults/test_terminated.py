"""SIGTERM: what is under way is finished, the rest is given back, and the process ends in order."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import socket
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from orchestrator.client import CouncilClient, models
from orchestrator.graph.doctor import examine
from orchestrator.graph.driver import Graph
from tests.support.balancer import Balancer
from tests.support.model_behaviour import Behaviour
from tests.support.scene import DELIBERATE, Scene
from tests.support.service_process import ServiceProcess
from tests.support.waiting import eventually, until

pytestmark = [pytest.mark.faults, pytest.mark.neo4j, pytest.mark.timeout(240)]

_RETRY_AFTER = 1
"""Seconds, as the service says."""
_CANCEL = "mutation($input: CancelDeliberationInput!) { cancelDeliberation(input: $input) { errors { code } } }"


async def test_calls_under_way_at_sigterm_are_recorded_and_the_next_process_goes_on_at_once(
    scene: Scene,
) -> None:
    ending = asyncio.Event()
    scene.model.script(Behaviour(until=ending), turn="*-c1-*")
    ended = await scene.start("ended", COUNCIL_LEASE_SECONDS="300")
    await ended.ready()
    accepted = await scene.deliberate(ended)
    await until(lambda: len(scene.model.of("*-c1-*")) == 3, 30)
    stopping = asyncio.create_task(ended.stop())
    await ended.becomes(503)
    ending.set()
    assert await stopping == 0
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
    # All but what waits for it, or what the grace is too short for would be asked for again as well.
    await eventually(scene.look, lambda seen: len(seen.of(accepted)) == 7)
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


FOLLOW = "subscription($id: ID!) { deliberationEvents(id: $id) { __typename sequence } }"


async def close_code(
    service: ServiceProcess, deliberation: str, follows: asyncio.Event
) -> int | None:
    """Follow until the service closes the connection."""
    async with connect(
        f"ws{service.url.removeprefix('http')}/graphql",
        subprotocols=[Subprotocol("graphql-transport-ws")],
        proxy=None,
    ) as connection:
        await connection.send('{"type": "connection_init"}')
        await connection.recv()
        payload = f'{{"query": "{FOLLOW}", "variables": {{"id": "{deliberation}"}}}}'
        await connection.send(f'{{"id": "1", "type": "subscribe", "payload": {payload}}}')
        try:
            while True:
                await connection.recv()
                follows.set()
        except ConnectionClosed as closed:
            return None if closed.rcvd is None else closed.rcvd.code


def processes(home: Path) -> set[int]:
    """All processes of this machine that were started for that home, by whomever: each child has its parent's environment."""
    mine = f"COUNCIL_HOME={home}\0".encode()
    found: set[int] = set()
    for place in Path("/proc").iterdir():
        # Those of others, and those that end meanwhile, are not to be read.
        with suppress(OSError):
            if place.name.isdecimal() and mine in (place / "environ").read_bytes():
                found.add(int(place.name))
    return found


async def test_while_it_ends_it_reads_and_accepts_nothing_and_then_leaves_nothing_behind(
    scene: Scene, tmp_path: Path
) -> None:
    looked = asyncio.Event()
    scene.model.script(Behaviour(until=looked), turn="*-c1-s1-*")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    ending = await scene.start("ending", COUNCIL_DRAIN_SECONDS="60", TMPDIR=str(temporary))
    await ending.ready()
    accepted = await scene.deliberate(ending)
    await until(lambda: bool(scene.model.of("*-c1-s1-*")), 30)
    follows = asyncio.Event()
    following = asyncio.create_task(close_code(ending, accepted, follows))
    await follows.wait()
    assert processes(ending.home) == {ending.pid}
    stopping = asyncio.create_task(ending.stop())

    async with httpx.AsyncClient(base_url=ending.url, trust_env=False, timeout=30) as client:
        nothing = {"query": _CANCEL, "variables": {"input": {"id": "dlb_none"}}}
        accept = {"accept": "application/graphql-response+json"}
        while (await client.post("/graphql", json=nothing, headers=accept)).status_code == 200:
            assert not stopping.done()
        # Not later than the first that is refused: or a balancer would go on sending here.
        assert (await client.get("/readyz")).status_code == 503
        order = {"council": {"role": "QA"}, "task": {"description": "Another."}}
        refused = await client.post(
            "/graphql",
            json={"query": DELIBERATE, "variables": {"input": order}},
            headers=accept,
        )
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        (error,) = refused.json()["errors"]
        assert error["extensions"]["code"] == "UNAVAILABLE"
        assert error["extensions"]["retryAfter"] == _RETRY_AFTER
        read = await client.post(
            "/graphql",
            json={
                "query": "query($id: ID!) { deliberation(id: $id) { status } }",
                "variables": {"id": accepted},
            },
        )
        assert read.json()["data"] == {"deliberation": {"status": "RUNNING"}}
        assert read.headers["connection"] == "close"
        assert [line["drain_seconds"] for line in ending.logged("ending")] == [60]
        assert not stopping.done()

    looked.set()
    assert await stopping == 0
    # graphql-ws, as others, makes another connection after it.
    assert await following == 1012
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", ending.port))
    assert processes(ending.home) == set()
    assert list(temporary.iterdir()) == []
    assert {file.name for file in ending.home.rglob("*") if file.is_file()} == {"service.log"}
    seen = await scene.look()
    assert [one.id for one in seen.deliberations] == [accepted]


async def test_a_second_signal_ends_it_at_once_and_its_place_is_taken_at_once(
    scene: Scene,
) -> None:
    scene.model.script(Behaviour(hang_after=-1), turn="*-c1-*", attempts=1)
    service = await scene.start(COUNCIL_LEASE_SECONDS="300", COUNCIL_DRAIN_SECONDS="600")
    await service.ready()
    await scene.deliberate(service)
    await until(lambda: len(scene.model.of("*-c1-*")) == 3, 30)
    calls = scene.model.of("*-c1-*")
    # Nothing can be given back either.
    scene.proxy.refuse()
    scene.proxy.cut()
    os.kill(service.pid, signal.SIGTERM)
    await service.becomes(503)
    os.kill(service.pid, signal.SIGTERM)
    # Not ten minutes later, and not in order.
    assert await service.wait(20) == 130
    await until(lambda: scene.model.in_flight == 0)
    assert {call.outcome for call in calls} == {"cut by client"}
    assert (len(service.logged("ended_at_once")), service.logged("ended")) == (1, [])

    await scene.proxy.admit()
    await service.start()
    await service.ready()
    seen = await scene.all_ended(60)
    assert scene.faults(seen) == []


class Caller:
    """A client of several processes behind one address, who sends each request again once, where he is told to."""

    def __init__(self, scene: Scene, balancer: Balancer, http: httpx.AsyncClient) -> None:
        self._scene = scene
        self._balancer = balancer
        self._http = http

    async def accept(self, key: str) -> str:
        order = {
            "council": {"role": "DEV"},
            "task": {"description": "Write a function that adds two numbers."},
            "idempotencyKey": key,
        }
        body = {"query": DELIBERATE, "variables": {"input": order}}
        payload = await self._try(body)
        if payload is None:
            await asyncio.gather(asyncio.sleep(_RETRY_AFTER), self._balancer.look())
            payload = await self._try(body)
        assert payload is not None, f"{key} was refused twice"
        assert payload["errors"] == []
        accepted: str = payload["deliberation"]["id"]
        self._scene.accepted.append(accepted)
        return accepted

    async def follow(self, deliberation: str) -> list[int]:
        """Return the sequences of what was recorded, as they were told."""
        async with CouncilClient(str(self._http.base_url)) as client:
            return [
                event.sequence
                async for event in client.events(deliberation)
                if not isinstance(event, models.TurnBegan | models.TokensSpoken)
            ]

    async def _try(self, body: dict[str, Any]) -> dict[str, Any] | None:
        try:
            answer = (await self._http.post("/graphql", json=body)).json()
        except httpx.TransportError:
            return None
        if "errors" in answer:
            assert {error["extensions"]["retryAfter"] for error in answer["errors"]} == {
                _RETRY_AFTER
            }
            return None
        return answer["data"]["deliberate"]


async def test_a_rolling_update_under_load_loses_nothing_repeats_nothing_and_refuses_nobody_twice(
    scene: Scene, empty_graph: Graph
) -> None:
    scene.model.behaviour = Behaviour(latency=0.1)
    done = asyncio.Event()
    following: list[asyncio.Task[list[int]]] = []
    async with (
        Balancer() as balancer,
        httpx.AsyncClient(base_url=balancer.url, trust_env=False, timeout=30) as http,
    ):
        caller = Caller(scene, balancer, http)

        async def balanced(service: ServiceProcess) -> None:
            balancer.add(service.port)
            await until(lambda: service.port in balancer.ready, 120)

        async def call() -> None:
            for number in itertools.count():
                if done.is_set():
                    return
                accepted = await caller.accept(f"key {number}")
                following.append(asyncio.create_task(caller.follow(accepted)))
                await asyncio.sleep(0.5)

        old = await scene.start("old")
        await balanced(old)
        calling = asyncio.create_task(call())
        for name in ("middle", "new"):
            next_ = await scene.start(name)
            await balanced(next_)
            # Both are asked, and the old one is ended while it has something to do.
            enough = len(scene.accepted) + 3
            await until(lambda enough=enough: len(scene.accepted) >= enough, 30)
            assert await old.stop() == 0
            old = next_
        done.set()
        await calling
        seen = await scene.all_ended(90)
        told = await asyncio.gather(*following)

    assert scene.faults(seen) == []
    assert len(seen.deliberations) == len(scene.accepted) == len(set(scene.accepted))
    assert len(scene.accepted) > 5
    # Nothing was asked of a model twice, whichever process was to ask.
    assert set(Counter(scene.log.begun()).values()) == {1}
    for accepted, sequences in zip(scene.accepted, told, strict=True):
        assert sequences == list(range(1, seen.deliberation(accepted).sequence + 1))
    assert await examine(empty_graph) == ()
